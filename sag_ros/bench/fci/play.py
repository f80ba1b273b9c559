"""Paths to a robot through libfranka, one position a cycle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sag_ros.fci.robot import FciRobot, RobotStopped
from sag_ros.values import Float


@dataclass
class Played:
    """What became of a path.

    Attributes:
        kept: whether the robot followed it to its end.
        error: the names of what stopped it.
        cycles, lost: of the control loop; a lost one is a command that came too late.
        largest_error: of a joint from its command, rad.
        overshoot: of its speed beyond the largest commanded within 40 ms before, rad/s.
    """

    kept: bool = False
    error: str = ""
    cycles: int = 0
    lost: int = 0
    largest_error: float = 0.0
    overshoot: float = 0.0


def play(robot: FciRobot, path: Float) -> Played:
    """Command (N, 7) positions, one each millisecond of the robot's own clock.

    Raises:
        ConnectionLost: the robot does not answer any more.
    """
    played = Played()
    speed = np.abs(np.diff(path, axis=0, prepend=path[:1])) * 1e3
    most = np.array([speed[max(i - 40, 0) : i + 10].max(axis=0) for i in range(0, len(speed), 10)])
    k, last = 0, len(path) - 1
    try:
        session = robot.start()
        while k < last:
            state, elapsed = session.read()
            step = max(round(elapsed * 1e3), 1) if k else 1
            played.cycles, played.lost = played.cycles + step, played.lost + step - 1
            k = min(k + step, last)
            session.write(path[k], k == last)
            played.largest_error = max(played.largest_error, float(np.abs(state.position - path[k]).max()))
            played.overshoot = max(played.overshoot, float((np.abs(state.velocity) - most[k // 10]).max()))
        played.kept = True
    except RobotStopped as stopped:
        played.error = str(stopped)
    return played
