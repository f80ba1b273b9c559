"""What an operator may ask of an arm: to pause, to be let alone, to go home."""

from __future__ import annotations

import numpy as np

from sag_ros.control.examine import require_position
from sag_ros.control.life.homing import RENEW
from sag_ros.control.life.life import Life
from sag_ros.control.refusal import ChunkRefused
from sag_ros.control.states import SILENT, State
from sag_ros.values import Float, JointCommand


class Operated(Life):
    """See the module and :class:`Life`."""

    def pause(self, now: float, reason: str, human: bool = False) -> JointCommand | None:
        """Stop smoothly and be silent until :meth:`resume`; None where it does so already, or is at rest.

        A fault stays one, which is as silent; but a human who takes the arm has it, whatever was before.

        Args:
            now: s; reason: for a person.
            human: somebody else moves the arm now, until :meth:`give_back`.

        Raises:
            RuntimeError: it is inactive.
        """
        state = State.TAKEN if human else State.PAUSED
        soon = self.soon
        if soon is State.INACTIVE or self._motion is None:
            raise RuntimeError("the supervisor is inactive; there is nothing to pause")
        if soon is state or (soon in SILENT and not human):
            return None
        if soon is State.FAULT:
            reason = f"{reason}; before that: {self._reason}"
        moves = self.rest_in(now) > 0.0
        if moves and self._state is not State.STOPPING and not self._lost:
            return self._begin_stop(now, state, reason)
        self._after_stop, self._reason, self._held = state, reason, now
        self._state = State.STOPPING if moves else state
        return None

    def give_back(self, now: float, reason: str) -> None:
        """The human who had the arm has it no more: paused."""
        if self._state is State.STOPPING and self._after_stop is State.TAKEN:
            self._after_stop, self._reason = State.PAUSED, reason
        elif self._state is State.TAKEN:
            self._state, self._reason, self._held = State.PAUSED, reason, now

    def home(self, now: float) -> str:
        """Begin the way home, whose commands :meth:`tick` yields; returns why not, or an empty text.

        It ends paused, also where it is interrupted.
        """
        if self._state is State.HOMING:
            return ""
        if self._state is State.TAKEN:
            return f"{self._reason}; ask again when it was given back"
        if self._state not in (State.PAUSED, State.HOLDING, State.FAULT):
            return f"the supervisor is {self._state.value}; pause it first, and wait until the arm is at rest"
        if reason := self._unfit(now):
            return reason
        try:
            q, still = require_position(self._arm.limits, self._tracking.position), np.zeros(self._arm.dof)
            begin = self._place.begin(q, self._motion, now)
            self._stretch((begin, still, still), now)
            self._begin(now, q)
        except (ChunkRefused, ValueError) as error:
            return f"no way home from here: {error}"
        self._state, self._reason, self._renewal = State.HOMING, "on the way home", now
        return ""

    @property
    def way(self) -> float:
        """How long the way home takes from where it was planned last, s."""
        return self._homing.seconds

    def _go_on_home(self, now: float) -> JointCommand | None:
        """The next stretch of the way, or the stop where it cannot go on."""
        assert self._motion is not None
        health = self._watchdog.check_one("joint_state", now)
        if not health and now - self._held > self.settings.joint_state_age:  # the first may take a moment
            return self.hold(now, health.reason)
        if self._homing.near(self._motion.at(self._motion.end)[0]):
            if now >= self._motion.end:
                where = "at home" if self._homing.whole else "as near to home as its limits allow"
                self._state, self._reason = State.PAUSED, f"the arm is {where}"
            return None
        start = self._splicer.splice_time(now)
        state = self._motion.at(start)
        # One that came too late to go on from is over soon, and the next begins at rest.
        if now < self._renewal or not self._homing.leads_on(state, self.settings.home_speed):
            return None
        try:
            command = self._stretch(state, start)
        except (ChunkRefused, ValueError) as error:
            return self.hold(now, str(error))
        self._remember()
        self._renewal = now + RENEW
        return self._publish(command, now)

    def _stretch(self, state: tuple[Float, Float, Float], start: float) -> JointCommand:
        """Guarded, and slow. Raises ChunkRefused, ValueError."""
        speed = self.settings.home_speed
        command, _ = self._guard(self._homing.stretch(state, start, speed))
        if reason := self._homing.too_fast(command, speed):
            raise ValueError(reason)
        return command
