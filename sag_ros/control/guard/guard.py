"""The last stage before the arm: commands leave it inside the limits, or not at all."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sag_ros.control.guard.lead import Leader
from sag_ros.control.guard.tip_stage import TipStage
from sag_ros.control.limits import broken, violations
from sag_ros.control.motion import of_command
from sag_ros.control.refusal import ChunkRefused
from sag_ros.robots.arm import Arm
from sag_ros.robots.limits import JointLimits
from sag_ros.values import JointCommand, Violation

# Of the acceleration: what following the envelope may ask for at most, so that some is left to brake with.
_BRAKING_SHARE = 0.75
# s: a robot that takes differences of positions sees a velocity of up to half of its cycle ago.
_DIFFERENCE = 1e-3


def guard_limits(arm: Arm, factor: float = 0.95, position_margin: float = 0.005) -> JointLimits:
    """What the guard keeps to: inside the hard limits of ``arm``, such that it can always still brake and
    that the arm, which overshoots its command, stays inside, too.

    Raises:
        ValueError: ``factor`` outside (0, 1], or no room left by the margin.
    """
    braking = np.minimum(arm.guard_deceleration, _BRAKING_SHARE * factor * arm.limits.acceleration)
    margin = np.maximum(arm.overshoot, _DIFFERENCE * braking)
    return arm.limits.tightened(factor, position_margin, margin, braking)


GuardStage = Callable[[JointCommand], tuple[JointCommand, list[Violation]]]

# What the final comparison with the tightened limits allows: they have margins; the hard ones allow nothing.
_TOLERANCE = 1e-3


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
    motion where they could not brake in time any more and rejoin it as soon as they can (or end at its
    final position later than wanted); other joints are untouched. What then still breaks a limit is
    refused, except that a command may begin outside ``limits`` if it is inside ``hard`` and only comes back.

    Args:
        limits: what to keep to.
        hard: what must never be broken; ``limits`` by default.
    """

    def __init__(self, limits: JointLimits, hard: JointLimits | None = None) -> None:
        self.limits = limits
        self._hard = hard or limits
        self._leader = Leader(limits)
        self._warm_up()

    def _warm_up(self) -> None:
        """Run everything once, so that nothing is compiled while the first chunk waits."""
        limits = self.limits
        rest = np.repeat(0.5 * (limits.lower + limits.upper)[None], 3, axis=0)
        command = JointCommand(np.array([0.0, 0.01, 0.02]), rest, 0.0 * rest, 0.0 * rest)
        self(command)
        self._leader.lead(command, np.ones((2, rest.shape[1]), dtype=np.bool_))
        violations(of_command(command), limits, "")

    def __call__(self, command: JointCommand) -> tuple[JointCommand, list[Violation]]:
        """Return the command to execute and what was clipped.

        Raises:
            ChunkRefused: the first sample leaves no way to stay inside.
        """
        first = command.position[0]
        motion = of_command(command)
        wrong = broken(motion, self.limits, first) | broken(motion, self._hard, first, fine=True)
        if not wrong.any():
            return command, []
        pieces = np.flatnonzero(wrong.any(axis=1))
        found = violations(motion, self.limits, "clipped", allow=first, pieces=pieces)
        clipped = self._leader.lead(command, wrong)
        if clipped is None:
            raise ChunkRefused(self._refusal(found))
        motion = of_command(clipped)
        wrong = broken(motion, self.limits, first, _TOLERANCE)
        if wrong.any() and not wrong[0].any():
            raise ChunkRefused(self._refusal(violations(motion, self.limits, "refused", allow=first)))
        if broken(motion, self._hard, first, fine=True).any():
            raise ChunkRefused(self._refusal(violations(motion, self._hard, "refused", 41, allow=first)))
        return clipped, found

    def _refusal(self, found: list[Violation]) -> Violation:
        if found:
            return found[0]
        return Violation("position", -1, np.nan, np.nan, "no motion from here keeps the limits; refused")


class Guard:
    """Stages in order; each a pure function of the command.

    Args:
        limits: what to keep to.
        stages: the default keeps ``limits``.
        hard: what must never be broken; ``limits`` by default.
    """

    @classmethod
    def of(cls, arm: Arm, factor: float = 0.95, position_margin: float = 0.005) -> Guard:
        """The guard of an arm; see :func:`guard_limits`."""
        seen = arm.limits.tightened(velocity_margin=0.5 * _DIFFERENCE * arm.guard_deceleration)
        guard = cls(guard_limits(arm, factor, position_margin), hard=seen)
        for place, one in arm.single():
            if one.chain is not None:
                guard.stages.append(TipStage(one, factor, place))
        return guard

    def __init__(
        self, limits: JointLimits, stages: list[GuardStage] | None = None, hard: JointLimits | None = None
    ) -> None:
        self.limits = limits
        default: list[GuardStage] = [refuse_absurd, LimitStage(limits, hard)]
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
        if found:  # what a stage made of it; a comparison with NaN finds nothing
            command, _ = refuse_absurd(command)
        return command, found
