"""Independent check of the reference that the simulated arm executes, sample by sample at 1 kHz.

It shares no code with the guard that is meant to prevent what is found here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sag_ros.control.fr3 import (
    ACCELERATION_MAX,
    ENVELOPE_TOLERANCE,
    JERK_MAX,
    POSITION_LOWER,
    POSITION_UPPER,
    velocity_bounds,
)
from sag_ros.values import Float, JointCommand

KINDS = ("position", "velocity", "acceleration", "jerk")
_ROUNDING = 1e-6  # relative; an output exactly on a limit is inside


class LimitMonitor:
    """Counts how often the FR3's hard limits are broken: position, velocity envelope, acceleration, jerk.

    Velocity and acceleration are checked both as the reference states them and as differences between
    samples, so that a jump is found whatever the reference claims. A limit that stays broken counts once.
    """

    def __init__(self) -> None:
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
        """Check (N,) consecutive times, s, and (N, 7) samples; calls continue each other."""
        now = (times, position, velocity, acceleration)
        if self._last is not None:
            now = tuple(np.concatenate([old, new]) for old, new in zip(self._last, now, strict=True))
        self._last = tuple(part[-1:] for part in (times, position, velocity, acceleration))
        t, q, v, a = now
        step = np.maximum(np.diff(t), 1e-4)[:, None]
        lower, upper = velocity_bounds(q)
        lower, upper = lower - ENVELOPE_TOLERANCE, upper + ENVELOPE_TOLERANCE
        self._judge("position", np.maximum(POSITION_LOWER - q, q - POSITION_UPPER), q, 1.0)
        moved = np.diff(q, axis=0) / step
        below, above = np.r_[lower, lower[1:]], np.r_[upper, upper[1:]]
        speed = np.r_[v, moved]
        self._judge("velocity", np.maximum(below - speed, speed - above), speed, 1.0)
        gain = np.r_[a, np.diff(v, axis=0) / step]
        self._judge("acceleration", np.abs(gain) - ACCELERATION_MAX, gain, ACCELERATION_MAX[0])
        jerk = np.diff(a, axis=0) / step
        self._judge("jerk", np.abs(jerk) - JERK_MAX, jerk, JERK_MAX[0])

    def _judge(self, kind: str, excess: Float, values: Float, scale: float) -> None:
        """``excess`` (N, 7) is positive where the limit is broken."""
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
