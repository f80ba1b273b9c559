"""Whether one arm is reported."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sag_ros.control.watch.seen import Seen

FASTEST = np.full(2, 2.0)


@given(st.lists(st.tuples(st.floats(1e-3, 0.2), st.floats(-2.0, 2.0)), min_size=1, max_size=50))
def test_an_arm_within_its_limits_never_contradicts_itself(steps: list[tuple[float, float]]) -> None:
    seen, stamp, q = Seen(), 0.0, np.zeros(2)
    for since, speed in steps:
        stamp, q = stamp + since, q + since * speed
        assert seen.look(stamp, q, np.full(2, speed), FASTEST) == ""
    assert seen.count == len(steps)
    np.testing.assert_array_equal(seen.position, q)


def test_one_jump_is_none_and_jumps_long_ago_are_forgotten() -> None:
    seen = Seen()
    said = []
    for k in range(90):
        q = np.array([0.0, 0.5 * (k % 30 > 14)])  # a jump every 15 states, 0.3 s
        said.append(seen.look(0.02 * k, q, np.zeros(2), FASTEST))
    assert not any(said)


def test_two_arms_are_named() -> None:
    seen = Seen()
    said = [seen.look(0.005 * k, np.array([0.0, 0.2 * (k % 2)]), np.zeros(2), FASTEST) for k in range(5)]
    assert "joint 2" in said[-1]
    assert "two sources" in said[-1]


def test_a_jump_over_a_long_silence_is_none() -> None:
    seen = Seen()
    assert not any(seen.look(0.3 * k, np.full(2, float(k)), np.zeros(2), FASTEST) for k in range(9))
