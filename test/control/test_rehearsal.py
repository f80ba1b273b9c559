"""What is rehearsed is executed: else nothing would be loaded by it."""

from __future__ import annotations

import pytest

from sag_ros.control.rehearsal import rehearse
from sag_ros.control.states import SupervisorSettings
from sag_ros.robots.registry import ARMS


@pytest.mark.parametrize("arm", ARMS.values(), ids=ARMS)
def test_chunks_are_executed_and_guarded(arm) -> None:
    assert rehearse(arm, SupervisorSettings()) == 4
