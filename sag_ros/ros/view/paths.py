"""Where the joints are, and where the newest trajectory says that they should be."""

from __future__ import annotations

from typing import Any

import numpy as np
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory

from sag_ros.messages.errors import MessageError
from sag_ros.messages.joints import GripperReader, JointReader
from sag_ros.messages.trajectories import command_from_trajectory
from sag_ros.ros.stamps import StampClock
from sag_ros.values import Float

AHEAD = 12  # points of a trajectory that are shown
HORIZON = 1.0  # s of it


class Paths:
    """Reads joint states and trajectories of J joints.

    Args:
        joints: names as messages have them.
        fingers: names of the finger joints.
        clock: of the node.
    """

    def __init__(self, joints: list[str], fingers: list[str], clock: StampClock) -> None:
        self._joints, self._clock = joints, clock
        self._arm, self._hand = JointReader(joints), GripperReader(fingers)
        self._measured: tuple[float, Float] | None = None
        self._planned: tuple[Float, Float] | None = None
        self.width: float | None = None

    def on_state(self, message: JointState) -> bool:
        """Take a message of arm, hand or both; whether it told of the arm."""
        told = False
        try:
            if self._arm.concerns(message):
                self._measured = self._clock.seconds(message.header.stamp), self._arm.positions(message)
                told = True
            if self._hand.concerns(message):
                self.width = self._hand.width(message)
        except MessageError:  # which policy_node tells in /diagnostics
            return False
        return told

    def on_trajectory(self, message: JointTrajectory) -> None:
        """Take a command."""
        try:
            command = command_from_trajectory(message, self._joints, self._clock, self._clock.now())
        except MessageError:
            return
        self._planned = command.time, command.position

    def snapshot(self) -> dict[str, Any] | None:
        """For the page; None before the first joint state.

        Returns:
            ``t`` (s), ``q`` (J rad), ``width`` (m, or None), ``plan``: the (J,) planned for ``t``, or None;
            ``ahead``: (s after ``t``, (J,) rad) of what is to come.
        """
        if self._measured is None:
            return None
        stamp, q = self._measured
        found: dict[str, Any] = {"t": round(stamp, 3), "q": q.round(4).tolist(), "width": self.width}
        found |= {"plan": None, "ahead": []}
        if self._planned is None:
            return found
        time, position = self._planned
        if time[0] <= stamp:
            found["plan"] = _at(np.array([stamp]), time, position)[0]
        last = min(time[-1] - stamp, HORIZON)
        if last > 0.0:
            moments = np.linspace(max(0.0, time[0] - stamp), last, AHEAD)
            planned = _at(stamp + moments, time, position)
            found["ahead"] = [list(pair) for pair in zip(moments.round(3).tolist(), planned, strict=True)]
        return found


def _at(moments: Float, time: Float, position: Float) -> list[list[float]]:
    """(M, J) positions at (M,) moments, linear between the points, those at the ends beyond them."""
    after = np.searchsorted(time, moments).clip(1, len(time) - 1) if len(time) > 1 else np.zeros(1, int)
    before = after - (len(time) > 1)
    span = np.maximum(time[after] - time[before], 1e-9)
    share = ((moments - time[before]) / span).clip(0.0, 1.0)[:, None]
    return (position[before] + share * (position[after] - position[before])).round(4).tolist()
