from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sag_ros.bench.masks.phases import NEAR, PHASES, Situation, phase, runs, situation


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (Situation(False, False, False, NEAR + 0.01), "approach"),
        (Situation(False, False, False, NEAR - 0.01), "grasp"),
        (Situation(False, True, False, 0.02), "grasp"),  # closed, but it still stands on the table
        (Situation(True, True, False, 0.02), "carry"),
        (Situation(True, True, True, 0.02), "release"),
        (Situation(True, False, True, 0.3), "release"),  # retreating
        (Situation(True, False, False, 0.3), "approach"),  # lost on the way
        (Situation(True, False, False, 0.03), "grasp"),
    ],
)
def test_phases_of_an_episode_and_of_a_loss(now, expected):
    assert phase(now) == expected


def test_situation_reads_the_columns_by_name():
    robot = SimpleNamespace(
        task=SimpleNamespace(
            privileged_columns=("held", "bag_from_tcp_z", "bag_from_tcp_x", "other", "bag_from_tcp_y")
        ),
        privileged=np.array([1.0, 0.03, 0.0, 9.0, -0.04]),
        status=lambda: SimpleNamespace(lifted=True, in_zone=False),
    )
    found = situation(robot)
    assert (found.lifted, found.held, found.in_zone) == (True, True, False)
    assert found.distance == pytest.approx(0.05)
    assert phase(found) == "carry"


def test_runs_join_neighbours():
    found = runs(["approach", "approach", "grasp", "approach"], [0.0, 0.4, 0.8, 1.2], 1.5)
    assert found == [("approach", 0.0, 0.8), ("grasp", 0.8, 1.2), ("approach", 1.2, 1.5)]


@given(st.lists(st.sampled_from(PHASES), min_size=1, max_size=30))
def test_runs_cover_the_episode_without_gaps(names):
    times = [0.4 * i for i in range(len(names))]
    found = runs(names, times, times[-1] + 0.4)
    assert (found[0][1], found[-1][2]) == (0.0, times[-1] + 0.4)
    assert all(left[2] == right[1] and left[0] != right[0] for left, right in pairwise(found))
    for name, time in zip(names, times, strict=True):
        assert next(run[0] for run in found if run[1] <= time < run[2]) == name
