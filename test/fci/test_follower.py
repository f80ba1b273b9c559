"""What is commanded cycle by cycle: smooth, whatever clock, robot and commander do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sag_ros.control.motion import Motion, of_command
from sag_ros.fci.follower import APART, CYCLE, Follower
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.values import JointCommand

HOME = np.array(FR3.home)


def way(start: np.ndarray, end: np.ndarray, at: float, seconds: float) -> Motion:
    zero = np.zeros((2, 7))
    return of_command(JointCommand(np.array([at, at + seconds]), np.stack((start, end)), zero, zero))


def differences(path: np.ndarray) -> tuple[float, float]:
    """Largest acceleration and jerk of (N, 7) positions at 1 kHz."""
    v = np.diff(path, axis=0) / CYCLE
    a = np.diff(v, axis=0) / CYCLE
    return float(np.abs(a).max()), float(np.abs(np.diff(a, axis=0)).max() / CYCLE)


def run(follower: Follower, cycles: int, now: float, speed: float = 1.0) -> np.ndarray:
    """Positions of so many cycles; the clock runs ``speed`` times as fast as the robot's."""
    return np.stack([follower.step(1, now + (k + 1) * CYCLE * speed)[0] for k in range(cycles)])


def test_a_trajectory_is_followed_to_its_end_and_held() -> None:
    follower = Follower(HOME, 5.0)
    goal = HOME + 0.2
    assert follower.take(way(HOME, goal, 5.0, 1.0)) == ""
    path = run(follower, 1500, 5.0)
    np.testing.assert_allclose(path[-1], goal)
    np.testing.assert_allclose(path[499], 0.5 * (HOME + goal), atol=1e-9)
    assert follower.resting


@pytest.mark.parametrize("speed", [1.0, 1.0001, 0.9, 1.14])
def test_another_clock_is_kept_up_with_and_not_felt(speed: float) -> None:
    follower = Follower(HOME, 5.0)
    assert follower.take(way(HOME, HOME + 1.0, 5.0, 8.0)) == ""
    path = run(follower, 6000, 5.0, speed)
    assert abs(follower.time - (5.0 + 6.0 * speed)) < 0.12
    acceleration, jerk = differences(path)
    assert acceleration < 0.5  # 0.09 by itself, more because it has to hurry
    assert jerk < 60.0


def test_lost_cycles_are_made_up_for_at_once() -> None:
    follower = Follower(HOME, 5.0)
    follower.take(way(HOME, HOME + 0.5, 5.0, 2.0))
    run(follower, 500, 5.0)
    q, _, _ = follower.step(11, 5.511)
    np.testing.assert_allclose(q, way(HOME, HOME + 0.5, 5.0, 2.0).at(5.511)[0], atol=1e-6)


@given(st.floats(0.01, 1.0), st.floats(-1.0, 1.0), st.integers(2, 5))
def test_where_a_command_was_missed_we_go_on_from_the_robots_own_reference(
    position: float, velocity: float, cycles: int
) -> None:
    follower = Follower(HOME, 5.0)
    follower.take(way(HOME, HOME + 0.5, 5.0, 2.0))
    before = run(follower, 500, 5.0)
    # The robot went on by itself, and a little differently.
    q, v, _ = way(HOME, HOME + 0.5, 5.0, 2.0).at(5.5 + (cycles - 1) * CYCLE)
    reference = (q + 1e-3 * position, v + 1e-2 * velocity)
    first = follower.step(cycles, 5.5 + cycles * CYCLE, reference)
    np.testing.assert_allclose(first[0] - reference[0], CYCLE * reference[1], atol=2e-6)
    np.testing.assert_allclose(first[1], reference[1], atol=2e-3)
    path = np.concatenate((before[:0], first[0][None], run(follower, 1600, 5.5 + cycles * CYCLE)))
    assert differences(path)[0] < 3.0
    np.testing.assert_allclose(path[-1], HOME + 0.5, atol=1e-9)


def test_a_new_trajectory_that_begins_a_little_beside_is_joined() -> None:
    follower = Follower(HOME, 5.0)
    assert follower.take(way(HOME + 0.03, HOME + 0.1, 5.0, 1.0)) == ""  # the first: the arm sags a little
    path = run(follower, 1200, 5.0)
    assert differences(np.concatenate((np.tile(HOME, (3, 1)), path)))[0] < 4.0
    assert follower.take(way(HOME + 0.1 + 0.5 * APART, HOME, 6.2, 1.0)) == ""
    path = run(follower, 1200, 6.2)
    np.testing.assert_allclose(path[-1], HOME)
    assert differences(path)[0] < 4.0


def test_what_begins_elsewhere_is_refused_and_the_motion_goes_on() -> None:
    follower = Follower(HOME, 5.0)
    follower.take(way(HOME, HOME + 0.2, 5.0, 1.0))
    run(follower, 500, 5.0)
    far = HOME + 0.1
    far[3] += 0.02
    reason = follower.take(way(far, HOME, 5.5, 1.0))
    assert "joint 4" in reason
    assert "0.0200 rad" in reason
    assert "0.01 rad" in reason
    here = follower.at()
    assert "rad/s" in follower.take(way(here[0], HOME, follower.time, 1.0))  # from rest, but the arm moves
    assert "ago" in follower.take(way(HOME, HOME, 4.0, 0.5))
    path = run(follower, 700, 5.5)
    np.testing.assert_allclose(path[-1], HOME + 0.2)


def test_nothing_that_is_not_a_number_is_taken() -> None:
    follower = Follower(HOME, 5.0)
    assert follower.take(way(HOME, HOME, 5.0, 1.0)) == ""
    assert follower.take(way(HOME * np.nan, HOME, 5.0, 1.0)) != ""
