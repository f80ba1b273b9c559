"""Joint messages: JointState to arrays by name, JointCommand to JointTrajectory and back."""

from __future__ import annotations

import array
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from sag_ros.ros.images import MessageError
from sag_ros.ros.stamps import SECOND, StampClock, nanoseconds
from sag_ros.values import JointCommand


def prefixed(prefix: str, names: Sequence[str]) -> list[str]:
    """Joints as messages name them: an arm that is one of several has a prefix."""
    return [prefix + name for name in names]


class JointReader:
    """Picks named joints out of JointState messages, whatever order and company they come in."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._seen: list[str] | None = None
        self._index: list[int] = []

    def _locate(self, message: JointState) -> list[int]:
        # The order rarely changes between messages: look it up once and compare afterwards.
        names = message.name
        if names == self._seen:
            return self._index
        missing = [name for name in self.names if name not in names]
        if missing:
            raise MessageError(
                f"JointState lacks {', '.join(missing)}; it names {', '.join(names) if names else 'no joint'}"
            )
        self._index = [names.index(name) for name in self.names]
        self._seen = list(names)
        return self._index

    def concerns(self, message: JointState) -> bool:
        """Whether the message names one of the joints at all."""
        return any(name in message.name for name in self.names)

    def positions(self, message: JointState) -> NDArray[np.float64]:
        """(n,) positions, rad or m, in the order of ``names``.

        Raises:
            MessageError: a joint is missing, fewer positions than names, or a position that is not finite.
        """
        values = self._pick(message, message.position, "position")
        if not np.isfinite(values).all():
            bad = [f"{n} = {v}" for n, v in zip(self.names, values, strict=True) if not np.isfinite(v)]
            raise MessageError(f"JointState position is not finite: {', '.join(bad)}")
        return values

    def velocities(self, message: JointState) -> NDArray[np.float64] | None:
        """(n,) velocities, or None when the message carries none or one that is not finite."""
        if len(message.velocity) != len(message.name):
            return None
        values = self._pick(message, message.velocity, "velocity")
        return values if np.isfinite(values).all() else None

    def _pick(self, message: JointState, values: Sequence[float], field: str) -> NDArray[np.float64]:
        index = self._locate(message)
        if len(values) < len(message.name):
            raise MessageError(f"JointState has {len(message.name)} names and {len(values)} {field} values")
        return np.array([values[i] for i in index])


class GripperReader:
    """Gripper width from the finger joints: their sum, or twice the only one present."""

    def __init__(self, fingers: Sequence[str]) -> None:
        self._fingers = tuple(fingers)

    def concerns(self, message: JointState) -> bool:
        """Whether the message names a finger joint at all."""
        return any(name in message.name for name in self._fingers)

    def width(self, message: JointState) -> float:
        """Width between the fingers, m.

        Raises:
            MessageError: no finger joint in the message, or a position that is not finite.
        """
        present = [name for name in self._fingers if name in message.name]
        if not present:
            raise MessageError(
                f"JointState names none of {', '.join(self._fingers)}; it names "
                f"{', '.join(message.name) if message.name else 'no joint'}"
            )
        return float(JointReader(present).positions(message).sum() * len(self._fingers) / len(present))


class TrajectoryWriter:
    """Writes joint commands into one pre-built JointTrajectory in place, which is ten times faster."""

    def __init__(self, joints: Sequence[str], capacity: int = 128) -> None:
        self.message = JointTrajectory(joint_names=list(joints))
        self._joints = len(joints)
        self._points: list[JointTrajectoryPoint] = []
        self._views: list[tuple[NDArray, NDArray, NDArray]] = []
        self._grow(capacity)

    def _grow(self, count: int) -> None:
        zeros = [0.0] * self._joints
        while len(self._points) < count:
            point = JointTrajectoryPoint(
                positions=array.array("d", zeros),
                velocities=array.array("d", zeros),
                accelerations=array.array("d", zeros),
            )
            self._points.append(point)
            fields = (point.positions, point.velocities, point.accelerations)
            self._views.append(tuple(np.frombuffer(field, np.float64) for field in fields))

    def write(self, command: JointCommand, clock: StampClock) -> JointTrajectory:
        """Return the message holding ``command``; valid until the next call.

        The header stamp is the time of the first sample; ``time_from_start`` counts from it.
        """
        count = len(command.time)
        self._grow(count)
        clock.write(float(command.time[0]), self.message.header.stamp)
        offsets = np.rint((command.time - command.time[0]) * SECOND).astype(np.int64).tolist()
        for i in range(count):
            position, velocity, acceleration = self._views[i]
            position[:] = command.position[i]
            velocity[:] = command.velocity[i]
            acceleration[:] = command.acceleration[i]
            duration = self._points[i].time_from_start
            duration.sec, duration.nanosec = divmod(offsets[i], SECOND)
        self.message.points = self._points[:count]
        return self.message


def command_from_trajectory(
    message: JointTrajectory, joints: Sequence[str], clock: StampClock, now: float
) -> JointCommand:
    """Read a JointTrajectory (any joint order) as a JointCommand in the order of ``joints``.

    A zero header stamp means "now", as for ros2_control. Absent velocities or accelerations are empty.

    Raises:
        MessageError: joints that do not match, no points, times that do not increase, rows of the wrong
            length or values that are not finite.
    """
    if sorted(message.joint_names) != sorted(joints):
        raise MessageError(
            f"trajectory names joints {', '.join(message.joint_names) or '(none)'}; "
            f"expected {', '.join(joints)}"
        )
    if not message.points:
        raise MessageError("trajectory has no points")
    index = [message.joint_names.index(name) for name in joints]
    rows = [_rows(message, field, index) for field in ("positions", "velocities", "accelerations")]
    stamp = message.header.stamp
    start = clock.seconds(stamp) if stamp.sec or stamp.nanosec else now
    time = start + np.array([nanoseconds(point.time_from_start) for point in message.points]) / SECOND
    if (np.diff(time) <= 0).any():
        raise MessageError("trajectory times do not increase")
    return JointCommand(time, *rows)


def _rows(message: JointTrajectory, field: str, index: list[int]) -> NDArray[np.float64]:
    values = [getattr(point, field) for point in message.points]
    if field != "positions" and not any(len(row) for row in values):
        return np.empty((0, len(index)))
    for number, row in enumerate(values):
        if len(row) != len(index):
            raise MessageError(f"trajectory point {number} has {len(row)} {field} for {len(index)} joints")
    array = np.array(values)[:, index]
    if not np.isfinite(array).all():
        raise MessageError(f"trajectory holds {field} that are not finite")
    return array


def write_joint_state(
    message: JointState, positions: NDArray[np.floating], velocities: NDArray[np.floating]
) -> JointState:
    """Fill positions and velocities of a JointState whose names are set."""
    message.position = array.array("d", np.asarray(positions, np.float64).tobytes())
    message.velocity = array.array("d", np.asarray(velocities, np.float64).tobytes())
    return message


def write_fingers(message: JointState, width: float) -> JointState:
    """Fill a JointState whose names are the fingers, at rest: they share ``width``, m."""
    fingers = np.full(len(message.name), width / len(message.name))
    return write_joint_state(message, fingers, np.zeros_like(fingers))


def write_gripper_command(
    message: JointState, width: float, speed: float, force: float, joint: str
) -> JointState:
    """Write a gripper command: finger position = width / 2 (m), finger speed, grasp force (N, 0 = move)."""
    message.name = [joint]
    message.position = array.array("d", [width / 2])
    message.velocity = array.array("d", [speed / 2])
    message.effort = array.array("d", [force])
    return message


def read_gripper_command(message: JointState, joints: Sequence[str]) -> tuple[float, float, float]:
    """Width (m), speed (m/s) and force (N, 0 = move) of a gripper command; the inverse of the above.

    Raises:
        MessageError: another joint, missing or not finite values, or a speed that is not positive.
    """
    if len(message.name) != 1 or message.name[0] not in joints:
        raise MessageError(
            f"gripper command names {', '.join(message.name) or 'no joint'}; "
            f"expected one of {', '.join(joints)}"
        )
    values = [list(getattr(message, field)[:1]) for field in ("position", "velocity", "effort")]
    if not all(values) or not np.isfinite(values).all():
        raise MessageError("gripper command needs a finite position, velocity and effort")
    (position,), (velocity,), (effort,) = values
    if velocity <= 0:
        raise MessageError(f"gripper command has velocity {velocity} m/s; it must be positive")
    return 2 * position, 2 * velocity, effort
