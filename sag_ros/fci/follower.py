"""What is commanded in each cycle: the newest trajectory, on the robot's own clock."""

from __future__ import annotations

import numpy as np

from sag_ros.control.motion import Motion, State, at_rest, of_command
from sag_ros.fci.decay import Decay
from sag_ros.values import Float

CYCLE = 1e-3  # s
APART, APART_SPEED = 0.01, 0.05  # rad, rad/s: a trajectory that begins further from the motion is refused
START_APART = 0.05  # rad, the same for the first one: the arm is not exactly where it is held
_ROUNDING = 1e-9
MISSED = 1e-6  # rad: further apart, the robot missed a command; it tells its reference in single precision
# By how much the clock may be sped up, and how fast that may change, 1/s. Clocks of PC and robot differ by
# millionths; an emulated robot is up to a seventh slower.
_DRIFT, _DRIFT_CHANGE = 0.2, 0.1
_GAIN, _INTEGRAL_GAIN = 1.0, 0.25  # 1/s, 1/s^2
_ASTRAY = 0.05  # s: clocks so far apart are set, at rest


class Follower:
    """Evaluates trajectories in the robot's cycles.

    Time goes on by whole cycles as the robot counts them, so that a late answer does not show as a jump, and
    is kept to the monotonic clock by a rate that changes too slowly to be felt.

    Args:
        position: (J,) what is commanded now, rad.
        now: monotonic clock, s.
    """

    def __init__(self, position: Float, now: float) -> None:
        self.time = now
        self._motion: Motion = of_command(at_rest(now, position))
        self._error: Decay | None = None
        self._rate = self._steady = 0.0
        self._fresh = True

    def take(self, motion: Motion) -> str:
        """Follow ``motion`` (monotonic clock) from now on; returns why not, or an empty text."""
        if motion.end < self.time:
            return f"it ended {self.time - motion.end:.3f} s ago"
        here, there = self.at(), motion.at(self.time)
        apart, allowed = np.abs(here[0] - there[0]), START_APART if self._fresh else APART
        joint = int(apart.argmax())
        if not apart[joint] <= allowed:
            return (
                f"it begins {apart[joint]:.4f} rad from what joint {joint + 1} is commanded, "
                f"allowed {allowed} rad"
            )
        speed = np.abs(here[1] - there[1])
        joint = int(speed.argmax())
        if not speed[joint] <= APART_SPEED:
            return (
                f"its velocity begins {speed[joint]:.4f} rad/s from what joint {joint + 1} is commanded, "
                f"allowed {APART_SPEED} rad/s"
            )
        self._motion, self._fresh = motion, False
        error = (here[0] - there[0], here[1] - there[1], here[2] - there[2])
        felt = max(np.abs(part).max() for part in error) > _ROUNDING
        self._error = Decay(error, self.time) if felt else None
        return ""

    def step(self, cycles: int, now: float, reference: tuple[Float, Float] | None = None) -> State:
        """Go on by ``cycles``; position, velocity and acceleration (J,) that are commanded then.

        Args:
            cycles: of the robot since the last call, >= 1.
            now: monotonic clock, s.
            reference: position and velocity that the robot itself follows now, (J,) each. Where a command
                came too late it went on by itself; then we go on from there, as it would not bear a jump.
        """
        behind = now - self.time - cycles * CYCLE
        if abs(behind) > _ASTRAY and self.resting:
            self.time = now - cycles * CYCLE
            behind = 0.0
        self._steady = _within(self._steady + _INTEGRAL_GAIN * behind * cycles * CYCLE, _DRIFT)
        wanted = _within(_GAIN * behind + self._steady, _DRIFT)
        change = _DRIFT_CHANGE * CYCLE * cycles
        self._rate += _within(wanted - self._rate, change)
        frozen = self.at()[2]  # the robot goes on with the acceleration that it knew
        self.time += (cycles - 1) * CYCLE * (1.0 + self._rate)
        if reference is not None:
            self._go_on_from(reference, frozen)
        self.time += CYCLE * (1.0 + self._rate)
        return self.at()

    def _go_on_from(self, reference: tuple[Float, Float], acceleration: Float) -> None:
        if np.abs(reference[0] - self.at()[0]).max() <= MISSED:
            return
        q, v, a = self._motion.at(self.time)
        pace = 1.0 + self._rate  # of the clock of the motion by that of the robot
        error = (reference[0] - q, reference[1] / pace - v, acceleration - a)
        self._error = Decay(error, self.time)

    def at(self) -> State:
        """Position, velocity and acceleration (J,) that are commanded now."""
        q, v, a = self._motion.at(self.time)
        if self._error is None or self._error.over(self.time):
            self._error = None
            return q, v, a
        dq, dv, da = self._error.at(self.time)
        return q + dq, v + dv, a + da

    @property
    def resting(self) -> bool:
        """Whether the motion is over."""
        return self.time >= self._motion.end and self._error is None


def _within(value: float, bound: float) -> float:
    return min(max(value, -bound), bound)
