"""The last stage before the arm: commands leave it inside the limits, or not at all."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sag_ros.control.limits import broken, violations
from sag_ros.control.motion import of_command
from sag_ros.control.retrace import Retracer
from sag_ros.control.splice import ChunkRefused
from sag_ros.robots.arm import Arm
from sag_ros.robots.limits import JointLimits
from sag_ros.values import JointCommand, Violation


def guard_limits(arm: Arm, factor: float = 0.95, position_margin: float = 0.005) -> JointLimits:
    """What the guard keeps to: inside the hard limits of ``arm``, and such that it can always still brake.

    Raises:
        ValueError: ``factor`` outside (0, 1].
    """
    return arm.limits.scaled(factor, position_margin, arm.guard_deceleration)


GuardStage = Callable[[JointCommand], tuple[JointCommand, list[Violation]]]

# Relative slack of the final check: rounding and what a quintic adds between the samples.
_TOLERANCE = 3e-3


def refuse_absurd(command: JointCommand) -> tuple[JointCommand, list[Violation]]:
    """Refuse what no arm can do: values that are not finite, or times that do not increase.

    Raises:
        ChunkRefused
    """
    for name in ("time", "position", "velocity", "acceleration"):
        array = getattr(command, name)
        if not np.isfinite(array).all():
            raise ChunkRefused(Violation("non_finite", -1, np.nan, 0.0, f"{name} of the command not finite"))
    if len(command.time) < 2 or (np.diff(command.time) <= 0.0).any():
        raise ChunkRefused(
            Violation("non_finite", -1, float(len(command.time)), 2.0, "times of the command do not increase")
        )
    return command, []


class LimitStage:
    """Keeps position, velocity envelope, acceleration and jerk.

    A command inside all limits is returned as it is. Otherwise the joints that break one leave their
    motion just before and rejoin it as soon as Ruckig can (or end at its final position later than
    wanted); other joints are untouched. What still breaks a limit, because its first sample does, is refused.

    Args:
        limits: what to keep to.
    """

    def __init__(self, limits: JointLimits) -> None:
        self.limits = limits
        self._retracer = Retracer(limits)

    def __call__(self, command: JointCommand) -> tuple[JointCommand, list[Violation]]:
        """Return the command to execute and what was clipped.

        Raises:
            ChunkRefused: the first sample leaves no way to stay inside.
        """
        first = command.position[0]
        motion = of_command(command)
        wrong = broken(motion, self.limits, first)
        if not wrong.any():
            return command, []
        found = violations(motion, self.limits, "clipped", allow=first)
        clipped = self._retracer.retrace(command, wrong)
        motion = of_command(clipped)
        if broken(motion, self.limits, first, _TOLERANCE).any():
            raise ChunkRefused(violations(motion, self.limits, "refused", allow=first)[0])
        return clipped, found


class Guard:
    """Stages in order; each a pure function of the command."""

    def __init__(self, limits: JointLimits, stages: list[GuardStage] | None = None) -> None:
        self.limits = limits
        default: list[GuardStage] = [refuse_absurd, LimitStage(limits)]
        self.stages = default if stages is None else stages

    def __call__(self, command: JointCommand) -> tuple[JointCommand, list[Violation]]:
        """Run the stages.

        Raises:
            ChunkRefused: the command must not be executed.
        """
        found: list[Violation] = []
        for stage in self.stages:
            command, more = stage(command)
            found += more
        return command, found
