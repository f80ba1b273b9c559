"""Trajectories are followed as a controller does, and between them the arm is where it was measured."""

from __future__ import annotations

import numpy as np

from sag_ros.train.convert.bags.trajectories import set_points
from sag_ros.train.convert.raw import Track
from sag_ros.values import JointCommand

NOTHING = np.empty((0, 1))
STAMPS = np.linspace(0.0, 10.0, 1001)
MEASURED = Track(STAMPS, -1.0 - STAMPS[:, None], "/measured")


def line(begin: float, end: float, seconds: float) -> JointCommand:
    return JointCommand(np.array([0.0, seconds]), np.array([[begin], [end]]), NOTHING, NOTHING)


def at(track: Track, times: list[float]) -> list[float]:
    assert (np.diff(track.stamps) > 0).all()
    return np.interp(times, track.stamps, track.values[:, 0]).round(6).tolist()


def test_two_that_follow_each_other_and_one_after_a_pause():
    commands = [line(5.0, 7.0, 2.0), line(6.0, 8.0, 1.0), line(0.0, 1.0, 1.0)]
    found = set_points(np.array([1.0, 2.0, 7.0]), commands, MEASURED, "/a", 10.0)
    assert at(found, [0.5, 0.9]) == [-1.5, -1.9]  # measured
    assert at(found, [1.5, 2.5, 3.5]) == [5.5, 7.0, 8.0]  # followed, replaced, held
    assert at(found, [4.5, 6.5]) == [-5.5, -7.5]  # somebody else moved it
    assert at(found, [7.5, 8.5, 9.5]) == [0.5, 1.0, -10.5]


def test_the_order_of_the_bag_does_not_matter():
    commands = [line(6.0, 8.0, 1.0), line(5.0, 7.0, 2.0)]
    found = set_points(np.array([2.0, 1.0]), commands, MEASURED, "/a", 2.4)
    assert at(found, [1.5, 2.25]) == [5.5, 6.5]
    assert found.stamps[-1] >= 2.4


def test_single_points_ahead_of_now_are_led_to():
    """As teleoperation sends them: every 0.1 s where to be 0.1 s later."""
    stamps = 2.0 + 0.1 * np.arange(20)
    commands = [
        JointCommand(np.array([0.1]), np.array([[-3.0 - 0.1 * (n + 1)]]), NOTHING, NOTHING) for n in range(20)
    ]
    found = set_points(stamps, commands, MEASURED, "/a", 10.0)
    times = [2.03, 2.1, 2.57, 3.99]
    assert at(found, times) == [round(-1.0 - time, 6) for time in times]
    assert at(found, [4.5]) == [-5.0]


def test_velocities_go_along():
    command = JointCommand(np.array([1.0]), np.array([[0.0]]), np.array([[0.5]]), NOTHING)
    found = set_points(np.array([2.0]), [command], MEASURED, "/a", 10.0)
    assert at(found, [2.0, 3.0]) == [-3.0, 0.0]
    slope = np.diff(np.interp([2.99, 3.0], found.stamps, found.values[:, 0]))[0] / 0.01
    assert abs(slope - 0.5) < 0.1
