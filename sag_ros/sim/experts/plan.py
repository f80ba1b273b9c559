"""A demonstration as experts plan it: timed joint path and gripper widths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sag_ros.sim.robot import SimulatedRobot
from sag_ros.values import JointCommand

GRASP_FORCE, GRASP_SPEED = 30.0, 0.1  # N, m/s


def minimum_jerk(time: np.ndarray, start: float, end: float) -> np.ndarray:
    """Progress 0..1 of a minimum-jerk motion from ``start`` to ``end`` s, at ``time`` (N,) s."""
    s = np.clip((time - start) / (end - start), 0.0, 1.0)
    return s**3 * (10 - 15 * s + 6 * s**2)


@dataclass(frozen=True)
class Plan:
    """One demonstration, sampled with the control period.

    Attributes:
        time: (N,) since the start of the episode, s.
        reference: (N, J) joint path that is demonstrated (the labels), rad.
        command: (N, J) joint path that is executed: the reference with a smooth disturbance, rad.
        width: (N,) commanded gripper width, m.
    """

    time: np.ndarray
    reference: np.ndarray
    command: np.ndarray
    width: np.ndarray

    def motion(self, start: float) -> JointCommand:
        """The executed path as a command that begins at ``start`` s."""
        velocity = np.gradient(self.command, self.time, axis=0)
        velocity[[0, -1]] = 0.0
        acceleration = np.gradient(velocity, self.time, axis=0)
        return JointCommand(start + self.time, self.command, velocity, acceleration)


def apply_width(robot: SimulatedRobot, width: float) -> None:
    """Give the hand the goal that belongs to a commanded width (m)."""
    if width < 0.75 * robot.arm.gripper.width_max:
        robot.gripper.grasp(width, GRASP_SPEED, GRASP_FORCE, robot.time, 0.04, 0.04)
    else:
        robot.gripper.move(width, GRASP_SPEED, robot.time)
