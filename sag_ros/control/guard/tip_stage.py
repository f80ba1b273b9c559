"""The end of the arm must not be faster than the robot allows."""

from __future__ import annotations

import numpy as np

from sag_ros.control.refusal import ChunkRefused
from sag_ros.control.tip import fastest
from sag_ros.robots.arm import Arm
from sag_ros.values import JointCommand, Violation

# The robot judges what it measures. Joints that each swing 0.1 rad/s beyond their commands, at levers of up
# to 0.9 m, add about as much as this leaves.
SHARE = 0.9


class TipStage:
    """Refuses commands in which a tip of the arm's chain moves too fast; passes the others on unchanged.

    A command that is slowed down would not be at its places in time; one that is this fast is not a policy's
    wish but its mistake, so the arm goes on with its last safe motion.

    Args:
        arm: with a chain.
        factor: share of the arm's limits that is used, in (0, 1].
    """

    def __init__(self, arm: Arm, factor: float) -> None:
        if arm.chain is None:
            raise ValueError(f"arm {arm.name!r} has no chain, so the speed of its tip is not known")
        self.allowed = min(factor, SHARE) * arm.tip_speed
        # Copies: for arrays that cannot be written to it would be compiled once more.
        self._frames, self._tips = arm.chain.frames, np.array(arm.chain.tips)
        home = np.array(arm.home)[None]
        fastest(home, 0.0 * home, self._frames, self._tips)  # compiled now, not while the first chunk waits

    def __call__(self, command: JointCommand) -> tuple[JointCommand, list[Violation]]:
        """Return the command.

        Raises:
            ChunkRefused
        """
        position, velocity = np.ascontiguousarray(command.position), np.ascontiguousarray(command.velocity)
        speed = fastest(position, velocity, self._frames, self._tips)
        if not speed <= self.allowed:
            message = f"the tip would move at {speed:.2f} m/s, allowed {self.allowed:.2f} m/s; refused"
            raise ChunkRefused(Violation("tip_speed", -1, speed, self.allowed, message))
        return command, []
