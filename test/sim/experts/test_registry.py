"""Every task has an expert, and it is the one of that task."""

from __future__ import annotations

import pytest

from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.sim.experts.registry import make_expert
from sag_ros.sim.tasks.registry import TASKS


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_an_expert(task):
    assert task in make_expert(task, 0.05, 0.0, FR3).tasks


def test_a_task_without_an_expert_is_named():
    with pytest.raises(KeyError, match=r"'juggle'.*pick_release"):
        make_expert("juggle", 0.05, 0.0, FR3)
