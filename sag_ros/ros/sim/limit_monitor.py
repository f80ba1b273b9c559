"""Independent check of the reference that the simulated arm executes, sample by sample at 1 kHz.

It shares no code with the guard that is meant to prevent what is found here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sag_ros.robots.arm import Arm
from sag_ros.values import Float, JointCommand

KINDS = ("position", "velocity", "acceleration", "jerk")
_ROUNDING = 1e-6  # relative; an output exactly on a limit is inside


class LimitMonitor:
    """Counts how often an arm's hard limits are broken: position, velocity envelope, acceleration, jerk.

    Velocity and acceleration are checked both as the reference states them and as differences between
    samples, so that a jump is found whatever the reference claims. A limit that stays broken counts once.

    Args:
        arm: whose limits.
        together: samples that are checked at once, by the call that completes them: a few at a time would
            take the simulation longer than its physics.
    """

    def __init__(self, arm: Arm, together: int = 1) -> None:
        self._together, self._waiting = together, list[tuple[Float, ...]]()
        self._limits, self._tolerance = arm.limits, arm.envelope_tolerance
        self.counts = dict.fromkeys(KINDS, 0)
        self.worst = dict.fromkeys(KINDS, "")
        self._excess = dict.fromkeys(KINDS, 0.0)
        self._broken = dict.fromkeys(KINDS, False)
        self._last: tuple[Float, ...] | None = None

    @property
    def total(self) -> int:
        """Number of times any limit was broken."""
        return sum(self.counts.values())

    def see(self, times: Float, position: Float, velocity: Float, acceleration: Float) -> None:
        """Check (N,) consecutive times, s, and (N, J) samples; calls continue each other."""
        self._waiting.append((times, position, velocity, acceleration))
        if sum(len(part[0]) for part in self._waiting) < self._together:
            return
        before = [] if self._last is None else [self._last]
        t, q, v, a = (np.concatenate(parts) for parts in zip(*before, *self._waiting, strict=True))
        self._waiting = []
        self._last = tuple(part[-1:] for part in (t, q, v, a))
        limits = self._limits
        step = np.maximum(np.diff(t), 1e-4)[:, None]
        lower, upper = limits.velocity_bounds(q)
        lower, upper = lower - self._tolerance, upper + self._tolerance
        self._count("position", np.maximum(limits.lower - q, q - limits.upper), q, 1.0)
        moved = np.diff(q, axis=0) / step
        below, above = np.r_[lower, lower[1:]], np.r_[upper, upper[1:]]
        speed = np.r_[v, moved]
        self._count("velocity", np.maximum(below - speed, speed - above), speed, 1.0)
        gain = np.r_[a, np.diff(v, axis=0) / step]
        self._count("acceleration", np.abs(gain) - limits.acceleration, gain, limits.acceleration)
        jerk = np.diff(a, axis=0) / step
        self._count("jerk", np.abs(jerk) - limits.jerk, jerk, limits.jerk)

    def _count(self, kind: str, excess: Float, values: Float, scale: Float | float) -> None:
        """``excess`` (N, J) is positive where the limit is broken."""
        if not excess.size:
            return
        broken = not bool((excess <= _ROUNDING * scale).all())  # also true for NaN
        if broken and not self._broken[kind]:
            self.counts[kind] += 1
        if broken:
            row, joint = np.unravel_index(int(np.argmax(np.nan_to_num(excess, nan=np.inf))), excess.shape)
            if not excess[row, joint] <= self._excess[kind]:
                self._excess[kind] = float(excess[row, joint])
                value, over = values[row, joint], excess[row, joint]
                self.worst[kind] = f"{kind} of joint {joint + 1}: {value:.4g}, {over:.3g} too much"
        self._broken[kind] = broken


class RecordedController:
    """A trajectory controller whose samples are also shown to somebody else."""

    def __init__(self, controller: Any, see: Callable[[Float, Float, Float, Float], None]) -> None:
        self._controller, self._see = controller, see

    def accept(self, command: JointCommand, now: float) -> Any:
        """See JointTrajectoryController.accept."""
        return self._controller.accept(command, now)

    def sample_many(self, times: Float) -> tuple[Float, Float, Float]:
        """See JointTrajectoryController.sample_many; each stretch of time must be asked for once."""
        sample = self._controller.sample_many(times)
        self._see(times, *sample)
        return sample

    def __getattr__(self, name: str) -> Any:
        return getattr(self._controller, name)
