"""Whether the arm follows: what is measured against what was executed then."""

from __future__ import annotations

from collections import deque

import numpy as np

from sag_ros.control.motion import Motion
from sag_ros.control.states import SupervisorSettings
from sag_ros.control.watch.seen import Seen
from sag_ros.values import Float

_RESTS = 0.1  # s at rest beside all that was commanded lately; that is no lag
_LATELY = np.linspace(0.0, 1.0, 4)  # of tracking_lag, of command_lag
_LOST = 0.1  # s that the controller follows something else: until a command is there
_LATE = 0.2  # s that a command may take to arrive
_OLD = 0.04  # s; what is told later than that is of somebody who had no time, and so were the commands there
_FRESH = 0.1  # s that it is known what it follows
_RECENT = 64  # commands that joint states are still compared with; half a second


class Tracking:
    """Compares measured states with commands.

    Args:
        settings: of the supervisor.
        fastest: (J,) speed that the joints are able to, rad/s.

    Attributes:
        off: largest distance of a joint from its command since the start, rad.
    """

    def __init__(self, settings: SupervisorSettings, fastest: Float) -> None:
        self._settings, self._fastest = settings, fastest
        self._seen = Seen()
        self._recent: deque[Motion] = deque(maxlen=_RECENT)
        self._near = -np.inf  # stamp of the last state that was close to its command
        self._last = -np.inf  # of the last state
        self._moved = -np.inf  # of the last that did not rest beside what was commanded
        self._desired: Float = np.empty(0)  # what the controller followed last, (J,)
        self._told = -np.inf  # when, s
        self._followed = -np.inf  # when that was our command, s
        self.off = 0.0

    def reconfigure(self, settings: SupervisorSettings) -> None:
        """Other bounds from now on."""
        self._settings = settings

    def start(self, now: float, motion: Motion) -> None:
        """Forget everything; ``motion`` is executed from ``now`` on, s."""
        self._seen, self._near, self._moved, self.off = Seen(), now, now, 0.0
        self._followed = now
        self._recent.clear()
        self._recent.append(motion)

    def execute(self, motion: Motion) -> None:
        """``motion`` is executed from its start on."""
        self._recent.append(motion)

    def forget(self) -> None:
        """The last motion was not executed after all."""
        if len(self._recent) > 1:
            self._recent.pop()

    @property
    def position(self) -> Float:
        """(J,) measured last, rad; empty before the first."""
        return self._seen.position

    @property
    def speed(self) -> float:
        """Of the fastest joint, rad/s."""
        return float(np.abs(self._seen.velocity).max(initial=0.0))

    def look(self, stamp: float, q: Float, v: Float, compare: bool = True) -> str:
        """Take a measured state, (J,) each; what is wrong with it, or an empty text."""
        contradiction = self._seen.look(stamp, q, v, self._fastest)
        if not compare:
            return ""
        settings, joint, distance = self._settings, *self.distance(stamp)
        self.off = max(self.off, distance)
        if distance <= settings.resume_error:
            self._near = stamp
        lag = stamp - self._near
        gap, self._last = stamp - self._last, stamp
        # Where the controller tells that it follows, an arm beside it leans against something.
        follows = stamp - self._told <= _FRESH
        near = distance <= settings.rest_error
        if follows or near or gap > settings.joint_state_age or not self._left(stamp, v):
            self._moved = stamp
        beside = stamp - self._moved
        if contradiction:
            return f"{contradiction}; let one alone report the arm, then resume"
        if distance > settings.tracking_error:
            return (
                f"joint {joint + 1} is {distance:.3f} rad from its command, allowed "
                f"{settings.tracking_error} rad; check the robot, then resume"
            )
        if lag > settings.tracking_lag:
            return (
                f"joint {joint + 1} is {distance:.3f} rad from its command for {lag:.2f} s, allowed "
                f"{settings.resume_error} rad; check the controller, then resume"
            )
        if beside > _RESTS:
            return (
                f"joint {joint + 1} rests {distance:.3f} rad from its command for {beside:.2f} s, allowed "
                f"{settings.rest_error} rad; did the controller get it? check, then resume"
            )
        return ""

    def look_desired(self, stamp: float, q: Float, compare: bool = True, age: float = 0.0) -> str:
        """Take what the controller follows, (J,), and how old that is, s; what is wrong, or an empty text."""
        gap, self._told, self._desired = stamp - self._told, stamp, q
        if not compare or gap > _FRESH or age > _OLD:
            self._followed = stamp
            return ""
        settings = self._settings
        outside = self._outside(stamp, q, settings.command_lag)
        if outside.max() <= settings.command_error or self._late(stamp, q):
            self._followed = stamp
        lost = stamp - self._followed
        if lost <= _LOST:
            return ""
        joint = int(outside.argmax())
        return (
            f"the controller moves joint {joint + 1} {outside[joint]:.4f} rad beside its command for "
            f"{lost:.2f} s, allowed {settings.command_error} rad: commands do not arrive; check controller "
            "and network, then resume"
        )

    def _late(self, stamp: float, q: Float) -> bool:
        """Whether the controller follows one of the commands before the last: then they arrive, if late."""
        recent = (motion for motion in reversed(self._recent) if stamp - _LATE <= motion.start <= stamp)
        bound = self._settings.command_error
        return any(float(np.abs(motion.at(stamp)[0] - q).max()) <= bound for motion in recent)

    def desired(self, now: float) -> Float | None:
        """(J,) what the controller follows, rad; None where nobody tells, or not lately."""
        return self._desired if len(self._desired) and now - self._told <= _FRESH else None

    def _outside(self, stamp: float, q: Float, lag: float) -> Float:
        """(J,) how far ``q`` is from everything that was commanded within ``lag`` before ``stamp``, rad."""
        times = stamp - lag * _LATELY if lag else (stamp,)
        places = np.stack([self.commanded(float(time)) for time in times])
        return np.maximum(np.maximum(places.min(axis=0) - q, q - places.max(axis=0)), 0.0)

    def _left(self, stamp: float, v: Float) -> bool:
        """Whether the arm rests, and beside every place that it was commanded to be at within tracking_lag.

        One that has just come to rest is where its command ends, one that has yet to follow where it began.
        """
        if float(np.abs(v).max()) >= self._settings.at_rest:
            return False
        outside = self._outside(stamp, self._seen.position, self._settings.tracking_lag)
        return bool(outside.max() > self._settings.rest_error)

    def _executed(self, stamp: float) -> Motion:
        # A command holds nothing of before it was sent.
        return next((one for one in reversed(self._recent) if one.start <= stamp), self._recent[0])

    def commanded(self, stamp: float) -> Float:
        """(J,) where the arm was commanded to be at ``stamp``, rad."""
        return self._executed(stamp).at(stamp)[0]

    def distance(self, stamp: float) -> tuple[int, float]:
        """The joint that was measured furthest from what was executed at ``stamp``, and how far, rad."""
        if not self._seen.count:
            return 0, 0.0
        error = np.abs(self._seen.position - self.commanded(stamp))
        joint = int(error.argmax())
        return joint, float(error[joint])
