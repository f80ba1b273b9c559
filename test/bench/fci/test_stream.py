"""Streams of chunks: where they begin, what is commanded, and how they are played."""

from __future__ import annotations

import numpy as np
import pytest

from sag_ros.bench.fci.play import play
from sag_ros.bench.fci.stream import Stream, path, reach, start
from sag_ros.fci.robot import RobotState, RobotStopped
from sag_ros.robots.fr3 import ARM as FR3

ZERO = np.zeros(7)


@pytest.mark.parametrize("place", ["home", "bounds"])
def test_what_is_commanded_begins_and_ends_at_rest_and_keeps_the_limits(place: str) -> None:
    stream = Stream(3, place, 1.2)
    commanded, chunks = path(FR3, stream, 2.0)
    assert chunks > 50
    np.testing.assert_array_equal(commanded[0], start(FR3, stream))
    velocity = np.diff(commanded, axis=0) * 1e3
    acceleration = np.diff(velocity, axis=0) * 1e3
    assert np.abs(velocity[-1]).max() < 1e-3
    low, high = FR3.limits.velocity_bounds(commanded[1:])
    assert ((velocity >= low) & (velocity <= high)).all()
    assert (np.abs(acceleration) <= FR3.limits.acceleration).all()
    assert (np.abs(np.diff(acceleration, axis=0)) * 1e3 <= FR3.limits.jerk).all()


def test_poses_near_bounds_can_be_commanded_and_some_joints_are_close() -> None:
    low, high = reach(FR3)
    poses = np.stack([start(FR3, Stream(seed, "bounds", 0.2)) for seed in range(40)])
    assert ((poses >= low) & (poses <= high)).all()
    assert (np.minimum(poses - low, high - poses) < 0.02).mean() > 0.3


class Robot:
    """Follows a cycle late; stops when ``stop_at`` commands have come; loses ``late`` cycles once."""

    def __init__(self, stop_at: int = -1, late: int = 0) -> None:
        self.sent = [ZERO]
        self.stop_at, self.late = stop_at, late
        self.finished = False

    def start(self):
        return self

    def read(self):
        if len(self.sent) == self.stop_at:
            raise RobotStopped("joint_velocity_violation")
        elapsed = 0.001 * (1 + (self.late if len(self.sent) == 10 else 0))
        position = self.sent[-1]
        own = position + (5e-4 * self.late if len(self.sent) == 10 else 0.0)  # it went on by itself
        return RobotState(position, ZERO, own, 0.5 + ZERO, ZERO, 1.0, "Move", ""), elapsed

    def write(self, position, finished=False):
        self.sent.append(position)
        self.finished = finished


def clock():
    """Nothing takes time."""
    return 0.0


def test_one_position_a_cycle_to_the_end() -> None:
    commanded = np.linspace(0.0, 0.1, 200)[:, None] * np.ones(7)
    robot = Robot()
    played = play(robot, commanded, clock)
    assert played.kept
    assert robot.finished
    assert (played.cycles, played.lost) == (199, 0)
    np.testing.assert_array_equal(np.stack(robot.sent[1:]), commanded[1:])


def test_lost_cycles_are_skipped_and_counted() -> None:
    commanded = np.linspace(0.0, 0.1, 200)[:, None] * np.ones(7)
    robot = Robot(late=4)
    played = play(robot, commanded, clock)
    assert played.kept
    assert (played.cycles, played.lost) == (199, 4)
    # No jump where the robot went on by itself.
    np.testing.assert_allclose(np.diff(np.stack(robot.sent), axis=0)[:, 0], 5.03e-4, atol=2.1e-3)


def test_what_stops_the_robot_is_named() -> None:
    played = play(Robot(stop_at=50), np.zeros((200, 7)), clock)
    assert not played.kept
    assert played.error == "joint_velocity_violation"


def test_what_would_come_too_late_is_not_sent() -> None:
    commanded = np.linspace(0.0, 0.1, 200)[:, None] * np.ones(7)
    ticks = iter(range(10000))
    robot = Robot()
    played = play(robot, commanded, lambda: float(next(ticks)))  # a second between read and write
    assert played.kept
    assert robot.finished
    assert len(robot.sent) == 2  # the start, and the last, which ends the motion
