"""The state machine between the policy and the arm; no ROS, clocks injected."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sag_ros.control.life.life import FIRST
from sag_ros.control.life.operated import Operated
from sag_ros.control.reach.reach import Reach
from sag_ros.control.refusal import ChunkRefused
from sag_ros.control.states import SILENT, State, SupervisorSettings
from sag_ros.robots.arm import Arm
from sag_ros.values import ActionChunk, Float, JointCommand, PoseChunk, Violation


class Supervisor(Operated):
    """Takes chunks and ticks, yields the commands to publish; for what they have in common see
    :class:`sag_ros.control.life.life.Life`.

    Args:
        arm: whose joints are commanded; J of them.
        settings: see there.
        sensors: that are reported to :meth:`on_sensor` and watched: ``camera front``, ``signal bag``.
    """

    def __init__(
        self, arm: Arm, settings: SupervisorSettings | None = None, sensors: Sequence[str] = ()
    ) -> None:
        super().__init__(arm, settings, sensors)
        self._reach = Reach(arm, 2.0 * self.settings.position_margin)  # well inside the guard's bounds

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
        if self._state is State.WAITING:  # or nobody would see why it does not begin
            self._reason = f"{FIRST}; the last one is refused: {violation.message}"
        self._violations = (violation,)

    def tick(self, now: float) -> JointCommand | None:
        """Watch, and go on home; returns the stop to publish when an input went stale or the arm does not
        follow, or the next stretch of the way.
        """
        if self._state in SILENT or self._motion is None:
            return None
        if reason := self._fault:
            self._fault = ""
            return self._begin_fault(now, reason)
        if self._state is State.STOPPING:
            if now >= self._motion.end:
                self._state = self._after_stop
            return None
        if self._state is State.HOMING:
            return self._go_on_home(now)
        if self._state is State.RUNNING:
            self._count_deadline(now)
            health = self._watchdog.check(now)
            why = f"; chunks are refused: {self._refusal}" if self._refusal else ""
            if not health:
                return self._begin_stop(now, State.HOLDING, health.reason + why)
            if now >= self._motion.end:
                self._state, self._reason = State.HOLDING, "the last chunk is over" + why
        return None

    def _require_ready(self, chunk: ActionChunk | PoseChunk, now: float) -> None:
        if self._ended or self._state is State.HOMING:
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

    def _count_deadline(self, now: float) -> None:
        if not self._missed and now - self._last_chunk > self.settings.deadline:
            self._missed = True
            self._counts = self._counts.plus(deadline_misses=1)
