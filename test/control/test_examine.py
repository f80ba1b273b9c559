"""What no arm could follow is refused before anything is computed from it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sag_ros.control.examine import examine
from sag_ros.control.refusal import ChunkRefused
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.values import ActionChunk

LIMITS = FR3.limits
GOOD = ActionChunk(1.0, 0.05, FR3.home + 0.01 * np.arange(8.0)[:, None], np.full(8, 0.04))


def judge(chunk: ActionChunk) -> None:
    examine(chunk, LIMITS, 0.01, 0.1, 2.0)


def changed(action: int, joint: int, value: float) -> ActionChunk:
    positions = GOOD.positions.copy()
    positions[action, joint] = value
    return replace(GOOD, positions=positions)


def test_an_ordinary_chunk_passes() -> None:
    judge(GOOD)
    judge(replace(GOOD, positions=GOOD.positions[:1], gripper=GOOD.gripper[:1]))


@given(st.integers(0, 7), st.integers(0, 6), st.sampled_from([50.0, -50.0, 1e30, -1e300, 1e15]))
def test_one_absurd_action_is_named(action: int, joint: int, value: float) -> None:
    with pytest.raises(ChunkRefused, match=f"joint {joint + 1}") as caught:
        judge(changed(action, joint, value))
    violation = caught.value.violation
    assert (violation.kind, violation.joint, violation.value) == ("position", joint, value)
    assert violation.bound == (LIMITS.upper[joint] + 0.1 if value > 0.0 else LIMITS.lower[joint] - 0.1)


@given(st.integers(0, 7), st.integers(0, 6), st.sampled_from([np.nan, np.inf, -np.inf]))
def test_one_that_is_not_finite_is_named(action: int, joint: int, value: float) -> None:
    with pytest.raises(ChunkRefused, match=f"action {action + 1} of joint {joint + 1}") as caught:
        judge(changed(action, joint, value))
    assert caught.value.violation.kind == "non_finite"


def test_a_little_beyond_a_bound_is_believed() -> None:
    for beyond, fine in ((0.099, True), (0.101, False)):
        chunk = replace(GOOD, positions=np.where(np.arange(7) == 2, LIMITS.upper[2] + beyond, GOOD.positions))
        if fine:
            judge(chunk)
        else:
            with pytest.raises(ChunkRefused, match="normaliser"):
                judge(chunk)


@given(st.integers(0, 6), st.sampled_from([0.02, 0.05, 0.1]), st.sampled_from([-1.0, 1.0]))
def test_neighbours_may_be_twice_as_far_apart_as_the_joint_is_fast(
    joint: int, period: float, side: float
) -> None:
    far = side * 2.0 * period * LIMITS.velocity[joint]
    for share in (0.999, 1.001):
        positions = np.tile(FR3.home, (3, 1))
        positions[2, joint] += share * far
        positions = np.clip(positions, LIMITS.lower - 0.09, LIMITS.upper + 0.09)
        chunk = ActionChunk(1.0, period, positions, np.zeros(3))
        if share < 1.0 or abs(positions[2, joint] - positions[1, joint]) <= abs(far):
            judge(chunk)
            continue
        with pytest.raises(ChunkRefused, match=f"actions 2 and 3 of joint {joint + 1}") as caught:
            judge(chunk)
        assert caught.value.violation.kind == "jump"


@pytest.mark.parametrize(
    ("change", "kind", "text"),
    [
        ({"positions": np.zeros((0, 7)), "gripper": np.zeros(0)}, "malformed", "Ta > 0"),
        ({"positions": np.zeros((8, 6))}, "malformed", r"\(Ta, 7\)"),
        ({"positions": np.zeros(7)}, "malformed", r"\(Ta, 7\)"),
        ({"positions": [[0.0] * 7] * 8}, "malformed", "not an array"),
        ({"positions": np.full((8, 7), "x")}, "malformed", "not an array"),
        ({"gripper": np.zeros(7)}, "malformed", "gripper widths"),
        ({"gripper": np.full(8, np.nan)}, "non_finite", "gripper"),
        ({"stamp": np.nan}, "non_finite", "stamp"),
        ({"stamp": np.inf}, "non_finite", "stamp"),
        ({"period": np.nan}, "non_finite", "period"),
        ({"period": 0.0}, "malformed", "shorter than a step"),
        ({"period": -0.05}, "malformed", "shorter than a step"),
        ({"period": 11.0}, "malformed", "longer"),
    ],
)
def test_form(change: dict[str, object], kind: str, text: str) -> None:
    with pytest.raises(ChunkRefused, match=text) as caught:
        judge(replace(GOOD, **change))
    assert caught.value.violation.kind == kind
