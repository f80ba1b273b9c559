"""The state machine between the policy and the arm; no ROS, clocks injected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from sag_ros.control.examine import require_position
from sag_ros.control.guard.guard import Guard
from sag_ros.control.motion import Motion, at_rest, of_command
from sag_ros.control.reach.reach import Reach
from sag_ros.control.refusal import ChunkRefused
from sag_ros.control.splice import Splicer, led_in
from sag_ros.control.states import Counts, State, SupervisorSettings, SupervisorStatus
from sag_ros.control.stop import Stopper
from sag_ros.control.watch.place import Place
from sag_ros.control.watch.tracking import Tracking
from sag_ros.control.watch.watchdog import Watchdog
from sag_ros.robots.arm import Arm
from sag_ros.values import ActionChunk, Float, JointCommand, PoseChunk, Violation

_GRACE = 0.01  # s that a command may be late: what it differs in by then is less than a limit
_CHANGED = (  # by a command, beside what was seen
    "_motion", "_command", "_until", "_state", "_after_stop", "_reason", "_newest", "_held", "_refusal",
    "_counts", "_violations",
)  # fmt: skip


class Supervisor:
    """Takes chunks and ticks, yields the commands to publish.

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
        limits = self._guard.limits
        self._splicer = Splicer(limits, self.settings.splice, arm.limits)
        self._reach = Reach(arm, 2.0 * self.settings.position_margin)  # well inside the guard's bounds
        self._stopper = Stopper(limits, self.settings.splice.step)
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
        self._before: dict[str, Any] = {}  # what it changed
        self._violations: tuple[Violation, ...] = ()

    def reconfigure(self, settings: SupervisorSettings) -> None:
        """Take other settings while it runs. Raises ValueError where guard or sampling would be others."""
        self.settings.require_live(settings)
        self.settings = settings
        self._splicer = Splicer(self._guard.limits, settings.splice, self._arm.limits)
        self._tracking.reconfigure(settings)
        self._place.settings = settings
        self._watchdog.rebound(settings.ages(self._sensors))

    def start(self, now: float, q: Float) -> None:
        """Begin to wait for chunks, from rest.

        Args:
            now: on the clock of the stamps, s; chunks of older observations are refused.
            q: (J,) where the arm is, rad; just beside its last command it goes on from that.

        Raises:
            ValueError: ``q`` is not a position of the arm.
        """
        q = require_position(self._arm.limits, q)
        self._command = at_rest(now, self._place.begin(q, self._motion, now))
        self._motion = of_command(self._command)
        self._tracking.start(now, self._motion)
        self._watchdog.reset()
        self._newest = self._held = now
        self._last_chunk, self._missed, self._fault, self._lost = np.inf, False, "", False
        self._place.reset()
        self._state, self._reason = State.WAITING, "waiting for the first chunk"

    def on_joint_state(self, stamp: float, q: Float, v: Float) -> None:
        """Take the measured joint positions and velocities, each (J,); malformed ones are ignored."""
        if len(q) != self._arm.dof or not (np.isfinite(q).all() and np.isfinite(v).all()):
            return
        self._place.gap(self._watchdog.age("joint_state", stamp))
        self._watchdog.seen("joint_state", stamp)
        # Once it is said, another stop would only put off the end of this one.
        compare = self._motion is not None and not self._ended and not self._fault
        self._fault = self._tracking.look(stamp, q, v, compare) or self._fault

    def on_desired(self, stamp: float, q: Float, now: float) -> None:
        """Take the joint positions that the controller follows, (J,) rad; malformed ones are ignored."""
        if len(q) != self._arm.dof or not np.isfinite(q).all() or self._motion is None:
            return
        ready = not self._ended and not self._fault
        if found := self._tracking.look_desired(stamp, q, ready, now - stamp):
            self._fault, self._lost = found, True

    def on_sensor(self, sensor: str, stamp: float) -> None:
        """Note a message of a watched sensor. Raises KeyError for one that was not named at construction."""
        self._watchdog.seen(sensor, stamp)

    def on_chunk(self, chunk: ActionChunk | PoseChunk, now: float) -> JointCommand | None:
        """The command to publish for a new chunk, or None if it is refused (see :meth:`status`)."""
        self._count_deadline(now)
        self._last_chunk, self._missed = now, False
        self._remember()
        try:
            self._require_ready(chunk, now)
            assert self._motion is not None
            chunk, beside = self._reach.joints(chunk)
            splice = self._splicer.splice(self._motion, chunk, now, self._newest)
            command, found = self._guard(splice.command)
        except ChunkRefused as refused:
            self._refuse(refused.violation)
            return None
        except Exception as error:  # whatever it is, the arm must keep to its last safe motion
            message = f"the chunk could not be joined, please report this: {type(error).__name__}: {error}"
            self._refuse(Violation("internal", -1, np.nan, np.nan, message))
            return None
        self._watchdog.seen("observation", chunk.stamp)
        self._newest = chunk.stamp
        self._refusal = ""
        self._counts = self._counts.plus(chunks=1, late_steps=splice.dropped, clipped=int(bool(found)))
        if found or beside:
            self._violations = (*beside, *found)
        self._state, self._reason = State.RUNNING, ""
        return self._publish(command, now)

    def _refuse(self, violation: Violation) -> None:
        self._counts = self._counts.plus(refused=1)
        self._refusal = violation.message
        self._violations = (violation,)

    def tick(self, now: float) -> JointCommand | None:
        """Watch; returns the stop to publish when an input went stale or the arm does not follow."""
        if self._state in (State.INACTIVE, State.FAULT) or self._motion is None:
            return None
        if reason := self._fault:
            self._fault = ""
            return self._begin_fault(now, reason)
        if self._state is State.STOPPING:
            if now >= self._motion.end:
                self._state = self._after_stop
            return None
        if self._state is State.RUNNING:
            self._count_deadline(now)
            health = self._watchdog.check(now)
            why = f"; chunks are refused: {self._refusal}" if self._refusal else ""
            if not health:
                return self._begin_stop(now, State.HOLDING, health.reason + why)
            if now >= self._motion.end:
                self._state, self._reason = State.HOLDING, "the last chunk is over" + why
        return None

    def hold(self, now: float, reason: str) -> JointCommand | None:
        """Stop smoothly and hold until the next good chunk (a deadman was released, say)."""
        if self._motion is None or self._state is not State.RUNNING:
            return None
        return self._begin_stop(now, State.HOLDING, reason)

    def stop(self, now: float) -> JointCommand:
        """Stop smoothly and stay inactive until the next start.

        Raises:
            RuntimeError: it never was started, so there is no position to hold.
        """
        if self._motion is None or self._command is None:
            raise RuntimeError("the supervisor was never started; there is nothing to stop")
        if self._state is State.INACTIVE:
            return self._command
        return self._begin_stop(now, State.INACTIVE, "stopped")

    def fault(self, now: float, reason: str) -> JointCommand | None:
        """Stop smoothly and hold until :meth:`resume`; None where it does so already, or is at rest."""
        if self._motion is None or self._ended:
            return None
        return self._begin_fault(now, reason)

    def resume(self, now: float) -> str:
        """Wait for chunks again, from where the arm rests now; returns why not, or an empty text."""
        if self._state in (State.INACTIVE, State.STOPPING, State.RUNNING):
            return f"the supervisor is {self._state.value}{f': {self._reason}' if self._reason else ''}"
        health = self._watchdog.check_one("joint_state", now)
        if not health:
            return health.reason
        fastest = self._tracking.speed
        if fastest > self.settings.at_rest:
            return f"the arm moves at {fastest:.2f} rad/s; wait until it is at rest"
        try:
            self.start(now, self._tracking.position)
        except ValueError as error:
            return str(error)
        return ""

    def status(self) -> SupervisorStatus:
        """A frozen snapshot."""
        own = {**asdict(self._counts), "violations": self._violations, "off": self._tracking.off}
        return SupervisorStatus(self._state, self._reason, **own)

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

    def _require_ready(self, chunk: ActionChunk | PoseChunk, now: float) -> None:
        if self._ended:
            message = f"the supervisor is {self._state.value}: {self._reason}"
            raise ChunkRefused(Violation("stale", -1, now, np.inf, message))
        if chunk.stamp < self._held:
            message = f"its observation is from {self._held - chunk.stamp:.3f} s before the hold"
            raise ChunkRefused(Violation("stale", -1, chunk.stamp, self._held, message))
        health = self._watchdog.fresh("observation", chunk.stamp, now)
        health = health and self._watchdog.check(now, skip="observation")
        if self._fault or not health:
            bound = self.settings.observation_age
            raise ChunkRefused(Violation("stale", -1, now - chunk.stamp, bound, self._fault or health.reason))
        if self._state is not State.RUNNING:
            assert self._motion is not None
            violation = self._place.look(now, now >= self._motion.end)
            if violation is not None:
                self._reason = violation.message
                raise ChunkRefused(violation)

    @property
    def _ended(self) -> bool:
        """Whether only a start moves the arm again."""
        stopping = self._state is State.STOPPING and self._after_stop is not State.HOLDING
        return stopping or self._state in (State.INACTIVE, State.FAULT)

    def _count_deadline(self, now: float) -> None:
        if not self._missed and now - self._last_chunk > self.settings.deadline:
            self._missed = True
            self._counts = self._counts.plus(deadline_misses=1)
