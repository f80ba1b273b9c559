from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sag_ros.bench.masks.phases import NEAR, PHASES, phase, runs


def robot(lifted, held, in_zone, offset):
    columns = ("held", "bag_from_tcp_z", "bag_from_tcp_x", "other", "bag_from_tcp_y")
    return SimpleNamespace(
        task=SimpleNamespace(privileged_columns=columns),
        # The distance is that of a right triangle, whose columns are read by name.
        privileged=np.array([float(held), 0.6 * offset, 0.0, 9.0, -0.8 * offset]),
        status=lambda: SimpleNamespace(lifted=lifted, in_zone=in_zone),
    )


@pytest.mark.parametrize(
    ("lifted", "held", "in_zone", "distance", "expected"),
    [
        (False, False, False, NEAR + 0.01, "approach"),
        (False, False, False, NEAR - 0.01, "grasp"),
        (False, True, False, 0.02, "grasp"),  # closed, but it still stands on the table
        (True, True, False, 0.02, "carry"),
        (True, True, True, 0.02, "release"),
        (True, False, True, 0.3, "release"),  # retreating
        (True, False, False, 0.3, "approach"),  # lost on the way
        (True, False, False, 0.03, "grasp"),
    ],
)
def test_phases_of_an_episode_and_of_a_loss(lifted, held, in_zone, distance, expected):
    assert phase(robot(lifted, held, in_zone, distance)) == expected


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
