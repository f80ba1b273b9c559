"""The end of the arm must not be faster than the robot allows."""

from __future__ import annotations

import numpy as np

from sag_ros.control.refusal import ChunkRefused
from sag_ros.control.tip import tip_speed
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
        place: of its joints in a command, where several arms are commanded.
    """

    def __init__(self, arm: Arm, factor: float, place: slice = slice(None)) -> None:
        if arm.chain is None:
            raise ValueError(f"arm {arm.name!r} has no chain, so the speed of its tip is not known")
        self.allowed = min(factor, SHARE) * arm.tip_speed
        self._chain, self._place, self._name = arm.chain, place, arm.name
        home = np.array(arm.home)[None]
        tip_speed(arm.chain, home, 0.0 * home)  # compiled now, not while the first chunk waits

    def __call__(self, command: JointCommand) -> tuple[JointCommand, list[Violation]]:
        """Return the command.

        Raises:
            ChunkRefused
        """
        own = command.position[:, self._place], command.velocity[:, self._place]
        speed = tip_speed(self._chain, *own)
        if not speed <= self.allowed:
            bound = f"allowed {self.allowed:.2f} m/s; refused"
            message = f"the tip of {self._name} would move at {speed:.2f} m/s, {bound}"
            raise ChunkRefused(Violation("tip_speed", -1, speed, self.allowed, message))
        return command, []
