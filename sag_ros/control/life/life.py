"""In which state an arm is, and how commands lead from one to the next; clocks injected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from sag_ros.control.examine import require_position
from sag_ros.control.guard.guard import Guard
from sag_ros.control.life.homing import Homing
from sag_ros.control.motion import Motion, at_rest, of_command
from sag_ros.control.splice import Splicer, led_in
from sag_ros.control.states import SILENT, Counts, State, SupervisorSettings, SupervisorStatus
from sag_ros.control.stop import Stopper
from sag_ros.control.watch.place import Place
from sag_ros.control.watch.tracking import Tracking
from sag_ros.control.watch.watchdog import Watchdog
from sag_ros.robots.arm import Arm
from sag_ros.values import Float, JointCommand, Violation

_GRACE = 0.01  # s that a command may be late: what it differs in by then is less than a limit
FIRST = "waiting for the first chunk"
_INSTANT = 2e-3  # s; a motion of one sample lasts a moment, which is over when it begins
_MOVING = (State.RUNNING, State.STOPPING, State.HOMING)
_CHANGED = (  # by a command, beside what was seen
    "_motion", "_command", "_until", "_state", "_after_stop", "_reason", "_newest", "_held", "_refusal",
    "_counts", "_violations", "_renewal",
)  # fmt: skip


class Life:
    """Starts, holds, stops, faults, resumes; what is executed meanwhile is for who inherits from it.

    Every command it yields starts at or before ``now`` with what is being executed, so it does not matter
    when exactly the trajectory controller takes it; it is inside the limits and ends at rest, so it does
    not matter either if it is the last one.

    Args:
        arm: whose joints are commanded; J of them.
        settings: see there.
        sensors: that are reported to :meth:`on_sensor` and watched: ``camera front``, ``signal bag``.
    """

    def __init__(
        self, arm: Arm, settings: SupervisorSettings | None = None, sensors: Sequence[str] = ()
    ) -> None:
        self._arm = arm
        self.settings = settings or SupervisorSettings()
        self._guard = Guard.of(arm, self.settings.limit_factor, self.settings.position_margin)
        limits, step = self._guard.limits, self.settings.splice.step
        self._splicer = Splicer(limits, self.settings.splice, arm.limits)
        self._stopper, self._homing = Stopper(limits, step), Homing(arm, limits, step)
        self._sensors = tuple(sensors)
        self._watchdog = Watchdog(self.settings.ages(self._sensors))
        self._motion: Motion | None = None
        self._command: JointCommand | None = None
        self._state, self._reason = State.INACTIVE, "not started"
        self._after_stop = State.INACTIVE
        self._newest = self._held = -np.inf  # stamp of the executed observation; when the last hold began
        self._tracking = Tracking(self.settings, arm.limits.velocity)
        self._place = Place(self.settings, self._tracking)
        self._last_chunk, self._missed = np.inf, False  # when the last chunk came
        self._fault = self._refusal = ""
        self._lost = False  # whether commands do not arrive
        self._counts = Counts()
        self._until = np.inf  # when the last command must have been sent, s
        self._renewal = -np.inf  # when the next stretch of the way home is due, s
        self._before: dict[str, Any] = {}  # what the last command changed
        self._violations: tuple[Violation, ...] = ()

    def reconfigure(self, settings: SupervisorSettings) -> None:
        """Take other settings while it runs. Raises ValueError where guard or sampling would be others."""
        self.settings.require_live(settings)
        self.settings = settings
        self._splicer = Splicer(self._guard.limits, settings.splice, self._arm.limits)
        self._tracking.reconfigure(settings)
        self._place.settings = settings
        self._watchdog.rebound(settings.ages(self._sensors))

    # What is ------------------------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """What it does."""
        return self._state

    @property
    def soon(self) -> State:
        """What it does once it has stopped, where it does; else what it does."""
        return self._after_stop if self._state is State.STOPPING else self._state

    def status(self) -> SupervisorStatus:
        """A frozen snapshot."""
        own = {**asdict(self._counts), "violations": self._violations, "off": self._tracking.off}
        return SupervisorStatus(self._state, self._reason, **own)

    def rest_in(self, now: float) -> float:
        """Until what was commanded is at rest, s; 0 if it is."""
        if self._motion is None or self._state not in _MOVING:
            return 0.0
        return max(self._motion.end - now, 0.0)

    @property
    def _ended(self) -> bool:
        """Whether only a start moves the arm again, so that nobody compares where it is."""
        stopping = self._state is State.STOPPING and self._after_stop is not State.HOLDING
        return stopping or self._state in SILENT

    # Begin --------------------------------------------------------------------------------------------------

    def start(self, now: float, q: Float) -> None:
        """Begin to wait for chunks, from rest.

        Args:
            now: on the clock of the stamps, s; chunks of older observations are refused.
            q: (J,) where the arm is, rad; just beside its last command it goes on from that.

        Raises:
            ValueError: ``q`` is not a position of the arm.
        """
        self._begin(now, q)
        self._state, self._reason = State.WAITING, FIRST

    def _begin(self, now: float, q: Float) -> None:
        q = require_position(self._arm.limits, q)
        self._command = at_rest(now - _INSTANT, self._place.begin(q, self._motion, now))
        self._motion = of_command(self._command)
        self._tracking.start(now, self._motion)
        self._watchdog.reset()
        self._newest = self._held = now
        self._last_chunk, self._missed, self._fault, self._lost = np.inf, False, "", False
        self._place.reset()

    def resume(self, now: float) -> str:
        """Wait for chunks again, from where the arm rests now; returns why not, or an empty text."""
        if self._state is State.TAKEN:
            return f"{self._reason}; resume when it was given back"
        if self._state in (State.INACTIVE, State.STOPPING, State.RUNNING, State.HOMING):
            return f"the supervisor is {self._state.value}{f': {self._reason}' if self._reason else ''}"
        if reason := self._unfit(now):
            return reason
        try:
            self.start(now, self._tracking.position)
        except ValueError as error:
            return str(error)
        return ""

    def _unfit(self, now: float) -> str:
        """Why no motion can begin from where the arm is, or an empty text."""
        health = self._watchdog.check_one("joint_state", now)
        if not health:
            return health.reason
        fastest = self._tracking.speed
        if fastest > self.settings.at_rest:
            return f"the arm moves at {fastest:.2f} rad/s; wait until it is at rest"
        return ""

    # Stop ---------------------------------------------------------------------------------------------------

    def hold(self, now: float, reason: str) -> JointCommand | None:
        """Stop smoothly: hold until the next good chunk (a deadman was released, say), or pause on the way
        home."""
        if self._state is State.HOMING:
            return self._begin_stop(now, State.PAUSED, f"it did not get home: {reason}")
        if self._motion is None or self._state is not State.RUNNING:
            return None
        return self._begin_stop(now, State.HOLDING, reason)

    def stop(self, now: float) -> JointCommand:
        """Stop smoothly and stay inactive until the next start; at rest, that is the last command.

        Raises:
            RuntimeError: it never was started, so there is no position to hold.
        """
        if self._motion is None or self._command is None:
            raise RuntimeError("the supervisor was never started; there is nothing to stop")
        if not self.rest_in(now):
            self._state, self._reason, self._until = State.INACTIVE, "stopped", np.inf
            return self._command
        return self._begin_stop(now, State.INACTIVE, "stopped")

    def fault(self, now: float, reason: str) -> JointCommand | None:
        """Stop smoothly and hold until :meth:`resume`; None where it does so already, or is at rest."""
        if self._motion is None or self._ended:
            return None
        return self._begin_fault(now, reason)

    def _begin_fault(self, now: float, reason: str) -> JointCommand | None:
        assert self._motion is not None
        if self._state is not State.STOPPING and now < self._motion.end and not self._lost:
            return self._begin_stop(now, State.FAULT, reason)
        # At rest, or on the way there: if the arm is elsewhere, another command would begin where it is not.
        # So would one that arrives after others that did not; the last that did arrive ends at rest.
        self._after_stop, self._reason, self._held = State.FAULT, reason, now
        self._state = State.STOPPING if now < self._motion.end else State.FAULT
        return None

    def _begin_stop(self, now: float, after: State, reason: str) -> JointCommand:
        assert self._motion is not None
        assert self._command is not None
        self._remember()
        self._after_stop, self._reason, self._held = after, reason, now
        self._state = State.STOPPING
        self._counts = self._counts.plus(stops=1)
        start = self._splicer.splice_time(now)
        q, v, a = self._motion.at(start)
        try:
            command, _ = self._guard(self._stopper.decelerate(q, v, a, start))
        except Exception:  # whatever it is: the last command is safe, too
            self._until = np.inf
            return self._command  # it ends at rest inside the limits, if later
        return self._publish(command, now)

    # Commands -----------------------------------------------------------------------------------------------

    def _publish(self, command: JointCommand, now: float) -> JointCommand:
        """Put what is being executed from ``now`` until the splice before ``command``."""
        assert self._motion is not None
        self._until = float(command.time[0])
        self._command = command = led_in(self._motion, command, now, self.settings.splice.step)
        self._motion = of_command(command)
        self._tracking.execute(self._motion)
        return command

    def _remember(self) -> None:
        self._before = {name: getattr(self, name) for name in _CHANGED}

    def retract(self, now: float) -> bool:
        """Take the last command back if at ``now`` it is too late to send it; whether it was.

        Whoever follows it has gone on with the one before, and would jump.
        """
        if now <= self._until + _GRACE:
            return False
        for name, value in self._before.items():
            setattr(self, name, value)
        self._tracking.forget()
        return True
