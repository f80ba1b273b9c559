"""Paths to a robot through libfranka, one position a cycle."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sag_ros.control.motion import fading
from sag_ros.fci.follower import CYCLE, FADE, MISSED
from sag_ros.fci.loop import LATE
from sag_ros.fci.robot import FciRobot, RobotStopped
from sag_ros.values import Float


@dataclass
class Played:
    """What became of a path.

    Attributes:
        kept: whether the robot followed it to its end.
        error: the names of what stopped it.
        cycles, lost: of the control loop; a lost one brought no state to us.
        late: commands that the robot did not take, because they came too late.
        largest_error: of a joint from its command, rad.
        overshoot: of its speed beyond the largest commanded within 40 ms before, rad/s.
    """

    kept: bool = False
    error: str = ""
    cycles: int = 0
    lost: int = 0
    late: int = 0
    largest_error: float = 0.0
    overshoot: float = 0.0


def play(robot: FciRobot, path: Float, clock: Callable[[], float] = time.monotonic) -> Played:
    """Command (N, 7) positions, one each millisecond of the robot's own clock.

    Args:
        clock: s, by which a command is too late to be sent.

    Raises:
        ConnectionLost: the robot does not answer any more.
    """
    played = Played()
    velocity = np.diff(path, axis=0, prepend=path[:1]) / CYCLE
    acceleration = np.diff(velocity, axis=0, append=velocity[-1:]) / CYCLE
    speed = np.abs(velocity)
    most = np.array([speed[max(i - 40, 0) : i + 10].max(axis=0) for i in range(0, len(speed), 10)])
    k, last = 0, len(path) - 1
    zero = np.zeros(path.shape[1])
    missed = fading((zero, zero, zero), 0.0, FADE)
    target = path[0]
    try:
        session = robot.start()
        while k < last:
            state, elapsed = session.read()
            there = clock()
            step = max(round(elapsed / CYCLE), 1) if k else 1
            played.cycles, played.lost = played.cycles + step, played.lost + step - 1
            late = np.abs(state.commanded - target).max() > MISSED
            played.late += int(late and step == 1 and k > 0)
            if step > 1 or late:  # the robot went on by itself; from there we go on
                now = min(k + step - 1, last)
                own = (state.commanded, state.commanded_velocity, acceleration[max(k - 1, 0)])
                ours = (path[now], velocity[now], acceleration[now])
                error = (own[0] - ours[0], own[1] - ours[1], own[2] - ours[2])
                missed = fading(error, now * CYCLE, FADE)
            k = min(k + step, last)
            target = path[k] + missed.at(k * CYCLE)[0]
            if clock() - there <= LATE or k == last:
                session.write(target, k == last)
            played.largest_error = max(played.largest_error, float(np.abs(state.position - path[k]).max()))
            played.overshoot = max(played.overshoot, float((np.abs(state.velocity) - most[k // 10]).max()))
        played.kept = True
    except RobotStopped as stopped:
        played.error = str(stopped)
    return played
