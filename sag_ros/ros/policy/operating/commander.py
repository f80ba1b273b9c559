"""A supervisor and a deadman under one lock, and the way of its commands to the arm. No rclpy."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from sag_ros.control.rehearsal import rehearse
from sag_ros.control.states import SILENT, State, SupervisorStatus
from sag_ros.control.supervisor import Supervisor
from sag_ros.robots.arm import Arm
from sag_ros.ros.policy.deadman import Deadman
from sag_ros.ros.policy.settings import supervisor_settings
from sag_ros.ros.schema import PolicyNode
from sag_ros.values import Float, JointCommand

_TRIES = 3  # to send a command in time
_ITSELF = (State.WAITING, State.RUNNING, State.HOLDING)  # in which the policy moves the arm, or soon may
_WISHED = (State.PAUSED, State.TAKEN, State.HOMING)


class Sender(Protocol):
    """Where commands go; returns when they went, s."""

    def command(self, command: JointCommand) -> float: ...


class Commander:
    """What moves the arm and what stops it, whoever asks: a policy, an operator, silence.

    Args:
        arm: that is moved; J joints.
        config: of the node.
        sensors: that are watched: ``camera front``, ``signal bag``.
        publishers: where commands go.
        now: s, the clock of the stamps.
        gate: time -> why chunks may not be executed now, or an empty text.
        rival: why nothing may move the arm, or an empty text: joint states that may be another arm's.
        on_stop: called when the arm is brought to rest.
    """

    def __init__(
        self,
        arm: Arm,
        config: PolicyNode,
        sensors: Sequence[str],
        publishers: Sender,
        now: Callable[[], float],
        gate: Callable[[float], str] = lambda now: "",
        rival: Callable[[], str] = lambda: "",
        on_stop: Callable[[], None] = lambda: None,
    ) -> None:
        self._sender, self._now, self._gate, self._rival = publishers, now, gate, rival
        self._on_stop, self._arm = on_stop, arm
        self._lock = threading.Lock()
        rehearse(arm, supervisor_settings(config))
        self._supervisor = Supervisor(arm, supervisor_settings(config), sensors)
        self._deadman = Deadman(config.watchdog.deadman, bool(config.topics.deadman))
        self._made = np.nan  # when the last command was ready, s
        self._asked = np.nan  # the time it was made for, s

    @property
    def state(self) -> State:
        """Of the supervisor."""
        return self._supervisor.state

    @property
    def silent(self) -> bool:
        """Whether no chunk moves the arm until somebody says so."""
        return self.state in SILENT

    @property
    def paused(self) -> bool:
        """Whether it is somebody's wish that no chunk is executed."""
        return self._supervisor.soon in _WISHED

    @property
    def by_itself(self) -> bool:
        """Whether the policy moves the arm, or goes on with the next good chunk."""
        return self.state in _ITSELF

    def rest_in(self) -> float:
        """Until what was commanded is at rest, s; 0 if it is."""
        return self._supervisor.rest_in(self._now())

    def status(self) -> SupervisorStatus:
        """Snapshot of the supervisor."""
        with self._lock:
            return self._supervisor.status()

    # What is measured ---------------------------------------------------------------------------------------

    def on_joint_state(self, stamp: float, q: Float, v: Float) -> None:
        """See Supervisor.on_joint_state."""
        with self._lock:
            self._supervisor.on_joint_state(stamp, q, v)

    def on_desired(self, stamp: float, q: Float) -> None:
        """See Supervisor.on_desired."""
        with self._lock:
            self._supervisor.on_desired(stamp, q, self._now())

    def on_sensor(self, sensor: str, stamp: float) -> None:
        """See Supervisor.on_sensor."""
        with self._lock:
            self._supervisor.on_sensor(sensor, stamp)

    def on_deadman(self, pressed: bool) -> None:
        """Take a message of the deadman."""
        with self._lock:
            self._deadman.hear(pressed, self._now())

    # What is asked for --------------------------------------------------------------------------------------

    def start_paused(self, q: Float, reason: str) -> None:
        """Be silent, the arm being at (J,) ``q``, rad. Raises ValueError: it is outside its limits."""
        with self._lock:
            now = self._now()
            self._supervisor.start(now, q)
            self._supervisor.pause(now, reason)

    def stop(self) -> None:
        """Publish a smooth stop; nothing moves the arm until the next start."""

        def stop(now: float) -> JointCommand | None:
            # At rest nothing is published: somebody else may have moved the arm since.
            moves = self._supervisor.rest_in(now) > 0.0
            command = self._supervisor.stop(now)
            return command if moves else None

        with self._lock:
            if self._supervisor.state is not State.INACTIVE:
                self._insist(stop)

    def pause(self, reason: str, human: bool = False) -> None:
        """Stop smoothly and be silent until :meth:`resume`; see Supervisor.pause.

        Raises:
            RuntimeError: it is inactive.
        """
        with self._lock:
            self._insist(lambda now: self._supervisor.pause(now, reason, human))

    def give_back(self, reason: str) -> None:
        """See Supervisor.give_back."""
        with self._lock:
            self._supervisor.give_back(self._now(), reason)

    def fault(self, reason: str) -> None:
        """Stop smoothly and hold until :meth:`resume`."""
        with self._lock:
            self._send(lambda now: self._supervisor.fault(now, reason))

    def resume(self) -> str:
        """Wait for chunks again after a fault, a hold or a pause; returns why not, or an empty text."""
        with self._lock:
            return self._supervisor.resume(self._now())

    def home(self) -> tuple[str, float]:
        """Begin the way home, on which :meth:`tick` goes on.

        Returns:
            Why not, or an empty text; how long it takes, s.
        """
        with self._lock:
            now = self._now()
            reason = self._blocked_home(now) or self._supervisor.home(now)
            return reason, self._supervisor.way

    def tick(self) -> None:
        """Watch: publish a smooth stop when an input is stale or the deadman is released; go on home."""
        with self._lock:
            now = self._now()
            homing = self._supervisor.state is State.HOMING
            reason = self._blocked_home(now) if homing else self._blocked(now)

            def watch(now: float) -> JointCommand | None:
                held = self._supervisor.hold(now, reason) if reason else None
                return self._supervisor.tick(now) if held is None else held

            if not np.isnan(self._send(watch)) and self._supervisor.state is not State.HOMING:
                self._on_stop()

    # Sending ------------------------------------------------------------------------------------------------

    def _blocked(self, now: float) -> str:
        return self._deadman.released(now) or self._gate(now)

    def _blocked_home(self, now: float) -> str:
        return self._deadman.released(now) or self._rival()

    def _send(self, make: Callable[[float], JointCommand | None]) -> float:
        """Publish the command made for the present; when it was published, s, NaN if there is none.

        Where this process had to wait meanwhile (it was stopped, or shares its core), the command begins in
        the past: whoever takes it has gone on with the one before, and would jump. Then another one is made.
        """
        for _ in range(_TRIES):
            self._asked = self._now()
            command = make(self._asked)
            self._made = self._now()
            if command is None:
                return np.nan
            if not self._supervisor.retract(self._made):
                return self._sender.command(command)
        return np.nan

    def _insist(self, make: Callable[[float], JointCommand | None]) -> None:
        """The same for a stop: late is better than never."""
        if np.isnan(self._send(make)):
            command = make(self._now())
            if command is not None:
                self._sender.command(command)

    def _why(self, status: SupervisorStatus) -> str:
        """Why the policy does not move the arm, or an empty text."""
        return status.reason if status.state in _WISHED else self._blocked(self._now()) or status.reason
