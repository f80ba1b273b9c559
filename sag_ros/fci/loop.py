"""The loop: a state in, a command out, each millisecond."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sag_ros.control.motion import Motion
from sag_ros.fci.follower import CYCLE, Follower
from sag_ros.fci.report import Mode, Report
from sag_ros.fci.robot import ConnectionLost, FciRobot, FciSession, RobotState, RobotStopped
from sag_ros.fci.settings import FciSettings
from sag_ros.values import Float

_AGAIN = 1.0  # s between two tries to connect
LATE = 0.8e-3  # s after its state: a command that is sent later may meet the next cycle, as one of the last
_TORQUE_STEP = 0.9  # N m a cycle; the robot allows 1


class Loop:
    """Everything that happens in the loop's process.

    Args:
        settings: of the robot.
        connect: makes a connected robot; raises ConnectionLost or RobotStopped.
        trajectory: the newest trajectory if it is new, else None.
        request: ``recover`` or ``stop`` if it is new, else an empty text.
        publish: takes a report.
        clock: monotonic, s; pause: sleeps.
        orphaned: whether whoever started the process is gone.
    """

    def __init__(
        self,
        settings: FciSettings,
        connect: Callable[[], FciRobot],
        trajectory: Callable[[], Motion | None],
        request: Callable[[], str],
        publish: Callable[[Report], None],
        clock: Callable[[], float],
        pause: Callable[[float], None],
        orphaned: Callable[[], bool] = lambda: False,
        remark: str = "",
    ) -> None:
        self._settings = settings
        self._connect, self._trajectory, self._request = connect, trajectory, request
        self._publish, self._clock, self._pause, self._orphaned = publish, clock, pause, orphaned
        self._robot: FciRobot | None = None
        self._session: FciSession | None = None
        self._follower: Follower | None = None
        self._stiffness, self._damping = np.array(settings.stiffness), np.array(settings.damping)
        self._torque = np.zeros(7)
        self._ending = False
        self.report = Report(remark=remark)

    def run(self) -> None:
        """Until ``stop`` is requested or the parent is gone; the arm comes to rest first."""
        report = self.report
        while not (self._ending and self._session is None):
            try:
                self._turn()
            except ConnectionLost as error:
                self._robot = self._session = None
                report.mode, report.error = Mode.CONNECTING, str(error)
                self._say()
                if not self._ending:
                    self._pause(_AGAIN)
            except RobotStopped as error:
                self._stopped(str(error))
        report.mode = Mode.CLOSED
        self._say()

    def _turn(self) -> None:
        self._listen()
        if self._robot is None:
            if self._ending:
                return
            self._robot = self._connect()
            self.report.mode, self.report.error = Mode.IDLE, ""
        elif self._session is not None:
            self._control(self._session)
        else:
            self._idle(self._robot)

    def _listen(self) -> None:
        wish = self._request()
        if wish == "stop" or self._orphaned():
            self._ending = True
        elif wish == "recover" and self._robot is not None and self._session is None:
            self._robot.recover()
            self.report.mode, self.report.error = Mode.IDLE, ""

    def _idle(self, robot: FciRobot) -> None:
        report, state = self.report, robot.read()
        report.success_rate = 0.0
        self._note(state, state.commanded)
        if state.mode == "UserStopped":
            report.mode = Mode.USER_STOP
        elif state.mode == "Reflex" and report.mode is not Mode.REFLEX:
            report.mode, report.error = Mode.REFLEX, state.errors or "the robot is in a reflex"
        self._say()
        motion = self._trajectory()
        if motion is None or self._ending:
            return
        if report.mode is not Mode.IDLE:
            self._refuse(f"the robot is in {report.mode.name.lower()}: {report.error}; call recover")
            return
        follower = Follower(state.commanded, self._clock(), self._refuse)
        if not follower.take(motion):
            return
        report.accepted += 1
        self._session, self._follower = robot.start(), follower
        self._torque = np.zeros(7)
        report.mode = Mode.RUNNING

    def _control(self, session: FciSession) -> None:
        follower, report = self._follower, self.report
        assert follower is not None
        state, elapsed = session.read()
        there = self._clock()
        cycles = max(round(elapsed / CYCLE), 1) if report.cycles else 1
        report.cycles += cycles
        report.lost += cycles - 1
        report.longest_gap = max(report.longest_gap, cycles - 1)
        torque = self._settings.interface == "torque"
        reference = (state.commanded, state.commanded_velocity)
        q, v, _ = follower.step(cycles, self._clock(), None if torque else reference)
        finished = self._ending and follower.resting
        pull = self._impedance(q, v, state, cycles) if torque else q
        if self._clock() - there > LATE and not finished:
            report.lost += 1  # the robot goes on by itself, which the next state shows
        elif torque:
            session.write_torque(pull, finished)
        else:
            session.write(q, finished)
        if finished:
            self._session = None
            report.mode = Mode.IDLE
        # The command is on its way; what follows has the rest of the millisecond.
        report.success_rate = state.success_rate
        self._note(state, q)
        self._say()
        motion = self._trajectory()
        if motion is not None and not self._ending:
            report.accepted += follower.take(motion)

    def _impedance(self, q: Float, v: Float, state: RobotState, cycles: int) -> Float:
        wanted = self._stiffness * (q - state.position)
        wanted += self._damping * (v - state.velocity) + state.coriolis
        step = _TORQUE_STEP * cycles
        self._torque = self._torque + np.clip(wanted - self._torque, -step, step)
        return self._torque

    def _stopped(self, error: str) -> None:
        report = self.report
        if self._session is not None:
            report.reflexes += 1
        self._session = None
        report.mode, report.error = Mode.REFLEX, error
        self._say()

    def _note(self, state: RobotState, commanded: Float) -> None:
        report = self.report
        report.stamp = self._clock()
        report.position, report.velocity, report.torque = state.position, state.velocity, state.torque
        report.commanded = commanded

    def _refuse(self, reason: str) -> None:
        self.report.refused += 1
        self.report.refusal = reason

    def _say(self) -> None:
        self._publish(self.report)
