"""What is commanded in each cycle: the newest trajectory, on the robot's own clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np

from sag_ros.control.motion import Motion, State, at_rest, fading, of_command
from sag_ros.values import Float

CYCLE = 1e-3  # s
APART, APART_SPEED = 0.01, 0.1  # rad, rad/s: a trajectory that begins further from the motion is refused
START_APART = 0.05  # rad, the same for the first one: the arm is not exactly where it is held
FADE = 0.3  # s in which what is left of a difference goes to zero
MISSED = 1e-6  # rad: further apart, the robot missed a command; it tells its reference in single precision
WAITING = 50  # trajectories that may wait for the clock
# By how much the clock may be sped up, and how fast that may change, 1/s. Clocks of PC and robot differ by
# millionths; an emulated robot is up to a seventh slower.
_DRIFT, _DRIFT_CHANGE = 0.2, 0.3
_GAIN, _INTEGRAL_GAIN = 3.0, 2.25  # 1/s, 1/s^2; as fast as it can be without swinging
_SMOOTHING = 0.05  # s over which the clocks are compared: single readings are late by a ms now and then
_ASTRAY = 0.05  # s: clocks so far apart are set, at rest


class Follower:
    """Evaluates trajectories in the robot's cycles.

    Time goes on by whole cycles as the robot counts them, so that a late answer does not show as a jump, and
    is kept to the monotonic clock by a rate that changes too slowly to be felt.

    Args:
        position: (J,) what is commanded now, rad.
        now: monotonic clock, s.
        refuse: takes the reason why a trajectory is not followed.
    """

    def __init__(self, position: Float, now: float, refuse: Callable[[str], None]) -> None:
        self.time = now
        self._motion: Motion = of_command(at_rest(now, position))
        self._error: Motion = of_command(at_rest(now, np.zeros_like(position)))
        self._waiting: deque[Motion] = deque()
        self._refuse = refuse
        self._rate = self._steady = self._behind = 0.0
        self._fresh = True
        self._last = self.at()

    def take(self, motion: Motion) -> bool:
        """Follow ``motion`` (monotonic clock) from now on, or from its start if the clock is not there yet.

        Returns:
            Whether it is followed or waits; else ``refuse`` was told why.
        """
        if motion.end < self.time:
            self._refuse(f"it ended {self.time - motion.end:.3f} s ago")
            return False
        if self._fresh or motion.start <= self.time:
            self._waiting.clear()
            return self._begin(motion)
        # It goes on from what its sender follows then; that is what still waits, not what is followed now.
        while self._waiting and self._waiting[-1].start >= motion.start:
            self._waiting.pop()
        if len(self._waiting) == WAITING:
            self._refuse(f"{WAITING} trajectories wait already; the robot's clock is far behind")
            return False
        self._waiting.append(motion)
        return True

    def _begin(self, motion: Motion) -> bool:
        # It has to go on from the motion that its sender knows. What we are beside that, because the robot
        # missed a command, is ours to make good.
        planned, there = self._motion.at(self.time), motion.at(self.time)
        apart, allowed = np.abs(planned[0] - there[0]), START_APART if self._fresh else APART
        joint = int(apart.argmax())
        if not apart[joint] <= allowed:
            self._refuse(
                f"it begins {apart[joint]:.4f} rad from what joint {joint + 1} is commanded, "
                f"allowed {allowed} rad"
            )
            return False
        speed = np.abs(planned[1] - there[1])
        joint = int(speed.argmax())
        if not speed[joint] <= APART_SPEED:
            self._refuse(
                f"its velocity begins {speed[joint]:.4f} rad/s from what joint {joint + 1} is commanded, "
                f"allowed {APART_SPEED} rad/s"
            )
            return False
        here = self.at()
        self._motion, self._fresh = motion, False
        self._error = fading((here[0] - there[0], here[1] - there[1], here[2] - there[2]), self.time, FADE)
        return True

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
            behind = self._behind = 0.0
        self._behind += min(cycles * CYCLE / _SMOOTHING, 1.0) * (behind - self._behind)
        behind = self._behind
        self._steady = _within(self._steady + _INTEGRAL_GAIN * behind * cycles * CYCLE, _DRIFT)
        wanted = _within(_GAIN * behind + self._steady, _DRIFT)
        change = _DRIFT_CHANGE * CYCLE * cycles
        self._rate += _within(wanted - self._rate, change)
        self.time += (cycles - 1) * CYCLE * (1.0 + self._rate)
        if reference is not None:
            self._go_on_from(reference)
        self.time += CYCLE * (1.0 + self._rate)
        while self._waiting and self._waiting[0].start <= self.time:
            self._begin(self._waiting.popleft())
        self._last = self.at()
        return self._last

    def _go_on_from(self, reference: tuple[Float, Float]) -> None:
        if np.abs(reference[0] - self.at()[0]).max() <= MISSED:
            return
        q, v, a = self._motion.at(self.time)
        pace = 1.0 + self._rate  # of the clock of the motion by that of the robot
        # The robot goes on with the acceleration that it knew last.
        error = (reference[0] - q, reference[1] / pace - v, self._last[2] - a)
        self._error = fading(error, self.time, FADE)

    def at(self) -> State:
        """Position, velocity and acceleration (J,) that are commanded now."""
        q, v, a = self._motion.at(self.time)
        dq, dv, da = self._error.at(self.time)
        return q + dq, v + dv, a + da

    @property
    def resting(self) -> bool:
        """Whether the motion is over and none waits."""
        return not self._waiting and self.time >= max(self._motion.end, self._error.end)


def _within(value: float, bound: float) -> float:
    return min(max(value, -bound), bound)
