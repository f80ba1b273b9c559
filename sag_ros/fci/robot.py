"""The robot as the loop sees it, and libfranka behind it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from sag_ros.fci.settings import FciSettings
from sag_ros.values import Float


class RobotStopped(RuntimeError):
    """The robot ended or refused control; the message names its errors."""


class ConnectionLost(RuntimeError):
    """The robot does not answer."""


@dataclass(frozen=True)
class RobotState:
    """What the loop needs of libfranka's state.

    Attributes:
        position, velocity, torque: (7,) measured, rad, rad/s, N m.
        commanded, commanded_velocity: (7,) the robot's own reference.
        success_rate: of the last 100 commands.
        mode: libfranka's name: Idle, Move, Reflex, UserStopped, ...
        errors: names, empty if there are none.
        coriolis: (7,) torque that the velocity causes, N m; zero where nobody needs it.
    """

    position: Float
    velocity: Float
    commanded: Float
    commanded_velocity: Float
    torque: Float
    success_rate: float
    mode: str
    errors: str
    coriolis: Float = field(default_factory=lambda: np.zeros(7))


class FciSession(Protocol):
    """A running control loop."""

    def read(self) -> tuple[RobotState, float]:
        """Wait for the next state; with it, the seconds since the one before.

        Raises:
            RobotStopped, ConnectionLost
        """
        ...

    def write(self, position: Float, finished: bool = False) -> None:
        """Command (7,) positions; ``finished`` ends control. Raises as :meth:`read` does."""
        ...

    def write_torque(self, torque: Float, finished: bool = False) -> None:
        """Command (7,) torques beyond gravity and friction, N m."""
        ...


class FciRobot(Protocol):
    """A connected robot."""

    def read(self) -> RobotState:
        """Wait for the next state while nothing is controlled. Raises ConnectionLost."""
        ...

    def start(self) -> FciSession:
        """Begin to control. Raises RobotStopped, ConnectionLost."""
        ...

    def recover(self) -> None:
        """Leave a reflex. Raises RobotStopped, ConnectionLost."""
        ...


class LibfrankaRobot:
    """An FR3 through pylibfranka; connects and configures it.

    Raises:
        ConnectionLost: nobody answers at the address.
        RobotStopped: it refuses the settings.
        ModuleNotFoundError: pylibfranka is not installed.
    """

    def __init__(self, settings: FciSettings) -> None:
        import pylibfranka as fci

        self._fci, self._settings = fci, settings
        config = fci.RealtimeConfig
        realtime = config.kEnforce if settings.enforce_realtime else config.kIgnore
        self._robot = self._call(fci.Robot, settings.address, realtime)
        load = settings.load
        robot, torque, force = self._robot, settings.contact_torque, settings.contact_force
        self._call(
            robot.set_collision_behavior, torque, settings.collision_torque, force, settings.collision_force
        )
        self._call(robot.set_joint_impedance, settings.joint_impedance)
        self._call(robot.set_load, load.mass, load.centre, load.inertia)
        self._model = self._call(robot.load_model) if settings.interface == "torque" else None

    def read(self) -> RobotState:
        """See :class:`FciRobot`."""
        return self._state(self._call(self._robot.read_once))

    def start(self) -> FciSession:
        """See :class:`FciRobot`."""
        robot = self._robot
        if self._settings.interface == "torque":
            return _Session(self, self._call(robot.start_torque_control))
        return _Session(
            self, self._call(robot.start_joint_position_control, self._fci.ControllerMode.JointImpedance)
        )

    def recover(self) -> None:
        """See :class:`FciRobot`."""
        self._call(self._robot.automatic_error_recovery)

    def _call(self, function: Any, *arguments: Any) -> Any:
        fci = self._fci
        try:
            return function(*arguments)
        except fci.NetworkException as error:
            raise ConnectionLost(str(error)) from None
        except (
            fci.ControlException,
            fci.CommandException,
            fci.InvalidOperationException,
            fci.RealtimeException,
            fci.FrankaException,  # the others are no kinds of it
        ) as error:
            raise RobotStopped(str(error)) from None

    def _state(self, state: Any) -> RobotState:
        errors = state.current_errors
        names = [name for name in dir(errors) if name[0] != "_" and getattr(errors, name)] if errors else []
        return RobotState(
            np.array(state.q),
            np.array(state.dq),
            np.array(state.q_d),
            np.array(state.dq_d),
            np.array(state.tau_J),
            float(state.control_command_success_rate),
            state.robot_mode.name.removeprefix("k"),
            ", ".join(names),
        )


class _Session:
    def __init__(self, robot: LibfrankaRobot, control: Any) -> None:
        self._robot, self._control, self._fci = robot, control, robot._fci

    def read(self) -> tuple[RobotState, float]:
        raw, elapsed = self._robot._call(self._control.readOnce)
        state = self._robot._state(raw)
        if self._robot._model is not None:
            state = replace(state, coriolis=np.array(self._robot._model.coriolis(raw)))
        return state, float(elapsed.to_sec())

    def write(self, position: Float, finished: bool = False) -> None:
        self._send(self._fci.JointPositions(position.tolist()), finished)

    def write_torque(self, torque: Float, finished: bool = False) -> None:
        self._send(self._fci.Torques(torque.tolist()), finished)

    def _send(self, command: Any, finished: bool) -> None:
        command.motion_finished = finished
        self._robot._call(self._control.writeOnce, command)
