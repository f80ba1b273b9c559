"""What is commanded cycle by cycle: smooth, whatever clock, robot and commander do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sag_ros.control.motion import Motion, of_command
from sag_ros.fci.follower import APART, CYCLE, WAITING, Follower
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.values import JointCommand

HOME = np.array(FR3.home)


def of(refused: list[str] | None = None) -> Follower:
    return Follower(HOME, 5.0, (refused if refused is not None else []).append)


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
    follower = of()
    goal = HOME + 0.2
    assert follower.take(way(HOME, goal, 5.0, 1.0))
    path = run(follower, 1500, 5.0)
    np.testing.assert_allclose(path[-1], goal)
    np.testing.assert_allclose(path[499], 0.5 * (HOME + goal), atol=1e-9)
    assert follower.resting


@pytest.mark.parametrize("speed", [1.0, 1.0001, 0.9, 1.14])
def test_another_clock_is_kept_up_with_and_not_felt(speed: float) -> None:
    follower = of()
    assert follower.take(way(HOME, HOME + 1.0, 5.0, 8.0))
    path = run(follower, 6000, 5.0, speed)
    assert abs(follower.time - (5.0 + 6.0 * speed)) < 0.03
    acceleration, jerk = differences(path)
    assert acceleration < 0.5  # 0.09 by itself, more because it has to hurry
    assert jerk < 150.0


def test_lost_cycles_are_made_up_for_at_once() -> None:
    follower = of()
    follower.take(way(HOME, HOME + 0.5, 5.0, 2.0))
    run(follower, 500, 5.0)
    q, _, _ = follower.step(11, 5.511)
    np.testing.assert_allclose(q, way(HOME, HOME + 0.5, 5.0, 2.0).at(5.511)[0], atol=1e-6)


@given(st.floats(0.01, 1.0), st.floats(-1.0, 1.0), st.integers(2, 5))
def test_where_a_command_was_missed_we_go_on_from_the_robots_own_reference(
    position: float, velocity: float, cycles: int
) -> None:
    follower = of()
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
    follower = of()
    assert follower.take(way(HOME + 0.03, HOME + 0.1, 5.0, 1.0))  # the first: the arm sags a little
    path = run(follower, 1200, 5.0)
    assert differences(np.concatenate((np.tile(HOME, (3, 1)), path)))[0] < 4.0
    assert follower.take(way(HOME + 0.1 + 0.5 * APART, HOME, 6.2, 1.0))
    path = run(follower, 1200, 6.2)
    np.testing.assert_allclose(path[-1], HOME, atol=1e-12)
    assert differences(path)[0] < 4.0


def test_what_begins_elsewhere_is_refused_and_the_motion_goes_on() -> None:
    refused: list[str] = []
    follower = of(refused)
    follower.take(way(HOME, HOME + 0.2, 5.0, 1.0))
    run(follower, 500, 5.0)
    far = HOME + 0.1
    far[3] += 0.02
    assert not follower.take(way(far, HOME, 5.5, 1.0))
    assert "joint 4" in refused[0]
    assert "0.0200 rad" in refused[0]
    assert "0.01 rad" in refused[0]
    here = follower.at()
    assert not follower.take(way(here[0], HOME, follower.time, 1.0))  # from rest, but the arm moves
    assert "rad/s" in refused[1]
    assert not follower.take(way(HOME, HOME, 4.0, 0.5))
    assert "ago" in refused[2]
    path = run(follower, 700, 5.5)
    np.testing.assert_allclose(path[-1], HOME + 0.2)


def cut(whole: Motion, at: float) -> Motion:
    """``whole`` as it is sent at ``at``: from there on."""
    times = np.concatenate(([at], np.arange(np.ceil(at * 100.0 + 0.5) / 100.0, whole.end, 0.01), [whole.end]))
    return of_command(JointCommand(times, *whole.sample(times)))


def test_a_trajectory_that_begins_later_than_our_clock_is_waited_for() -> None:
    refused: list[str] = []
    follower = of(refused)
    whole = way(HOME, HOME + 1.0, 5.0, 2.0)
    follower.take(whole)
    path = [np.tile(HOME, (3, 1)), run(follower, 300, 5.0, 1.1)]  # its clock is 10 % slow: it is behind
    assert follower.time < 5.325
    for k in range(40):  # commands of a sender that is ahead, each from where it is then
        now = 5.33 + 0.02 * k
        assert follower.take(cut(whole, now))
        path.append(run(follower, 18, now, 1.1))
    path.append(run(follower, 2000, 6.13, 1.1))
    assert refused == []
    acceleration, jerk = differences(np.concatenate(path))
    assert acceleration < 2.5
    assert jerk < 400.0
    np.testing.assert_allclose(follower.at()[0], HOME + 1.0, atol=1e-9)
    assert follower.resting


def test_what_the_robot_missed_is_not_held_against_the_next_trajectory() -> None:
    refused: list[str] = []
    follower = of(refused)
    whole = way(HOME, HOME + 0.5, 5.0, 2.0)
    follower.take(whole)
    run(follower, 500, 5.0)
    q, v, _ = whole.at(5.503)
    follower.step(4, 5.504, (q + 1e-3, v + 0.06))  # the robot went on by itself, and faster
    assert follower.take(cut(whole, 5.5))
    assert refused == []
    np.testing.assert_allclose(run(follower, 1700, 5.504)[-1], HOME + 0.5, atol=1e-9)


def test_what_waits_is_judged_when_it_begins() -> None:
    refused: list[str] = []
    follower = of(refused)
    follower.take(way(HOME, HOME + 0.2, 5.0, 1.0))
    run(follower, 100, 5.0)
    assert follower.take(way(HOME + 0.5, HOME, 5.2, 1.0))
    assert not follower.resting
    assert refused == []
    path = run(follower, 1200, 5.1)
    assert "it begins" in refused[0]
    np.testing.assert_allclose(path[-1], HOME + 0.2)


def test_a_newer_trajectory_replaces_those_that_would_begin_after_it() -> None:
    follower = of()
    first = way(HOME, HOME + 0.2, 5.0, 1.0)
    follower.take(first)
    run(follower, 100, 5.0)
    assert follower.take(way(first.at(5.9)[0] + 0.005, HOME - 0.4, 5.9, 1.0))
    assert follower.take(cut(first, 5.3))
    np.testing.assert_allclose(run(follower, 1500, 5.1)[-1], HOME + 0.2, atol=1e-9)


def test_no_more_wait_than_a_slow_clock_explains() -> None:
    refused: list[str] = []
    follower = of(refused)
    follower.take(way(HOME, HOME, 5.0, 9.0))
    taken = [follower.take(way(HOME, HOME, 6.0 + 0.01 * k, 1.0)) for k in range(WAITING + 3)]
    assert taken == [True] * WAITING + [False] * 3
    assert "wait already" in refused[0]


def test_nothing_that_is_not_a_number_is_taken() -> None:
    follower = of()
    assert follower.take(way(HOME, HOME, 5.0, 1.0))
    assert not follower.take(way(HOME * np.nan, HOME, 5.0, 1.0))
