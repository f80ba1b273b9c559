"""Whether a held arm is where it is held; who moved it has to say that it may go on from there."""

from __future__ import annotations

import math

import numpy as np

from sag_ros.control.motion import Motion
from sag_ros.control.states import SupervisorSettings
from sag_ros.control.watch.tracking import Tracking
from sag_ros.values import Float, Violation


class Place:
    """Decides on going on by itself after a hold.

    Args:
        settings: of the supervisor; may be replaced.
        tracking: that knows the measured states.
    """

    def __init__(self, settings: SupervisorSettings, tracking: Tracking) -> None:
        self.settings, self._tracking = settings, tracking
        self._unseen = False

    def reset(self) -> None:
        """Begin again from where the arm is."""
        self._unseen = False

    def begin(self, q: Float, last: Motion | None, now: float) -> Float:
        """(J,) where a new motion begins, the arm being at ``q``, rad; ``last``: the motion commanded last.

        A controller holds what it was commanded, and an arm rests a little beside it: from where the arm is
        the next command would begin with a step of that. Best is to be told what the controller holds.
        """
        desired = self._tracking.desired(now)
        if desired is not None and np.abs(q - desired).max() <= self.settings.tracking_error:
            return desired
        if last is None or now < last.end:
            return q
        held = last.at(now)[0]
        return held if np.abs(q - held).max() <= self._beside else q

    @property
    def _beside(self) -> float:
        """How far from its command an arm may rest that has got it, rad."""
        return min(self.settings.unseen_error, self.settings.rest_error)

    def gap(self, age: float) -> None:
        """Note that the last joint state but one was ``age`` s older than the last; inf: there was none."""
        if self.settings.joint_state_age < age < math.inf:
            self._unseen = True

    def look(self, now: float, at_rest: bool) -> Violation | None:
        """Why the arm does not go on by itself, if so.

        Where joint states did not come for a while, commands may not have arrived either: then the arm ended
        its last motion somewhere else, and a command from where we hold it would make it jump. So it has to
        rest first, and to be nearer than otherwise.
        """
        if not at_rest:
            if not self._unseen:
                return None
            message = "joint states did not come for a while; it goes on from rest"
            return Violation("stale", -1, now, np.inf, message)
        joint, distance = self._tracking.distance(now)
        bound, why = self.settings.resume_error, ""
        desired = self._tracking.desired(now)
        if self._unseen and desired is None:
            bound, why = min(bound, self._beside), " after a gap in the joint states"
        if distance > bound:
            message = (
                f"joint {joint + 1} is {distance:.3f} rad from where it is held, allowed {bound} rad{why}; "
                "resume if that is where it shall go on from"
            )
            return Violation("jump", joint, distance, bound, message)
        if desired is not None:
            beside = np.abs(desired - self._tracking.commanded(now))
            joint, distance, bound = int(beside.argmax()), float(beside.max()), self.settings.command_error
            if distance > bound:
                message = (
                    f"the controller holds joint {joint + 1} {distance:.4f} rad from where it was commanded, "
                    f"allowed {bound} rad; resume if that is where it shall go on from"
                )
                return Violation("jump", joint, distance, bound, message)
        self._unseen = False
        return None
