"""Joint messages from numbers; the other direction is :mod:`sag_ros.messages.joints` and ``trajectories``."""

from __future__ import annotations

import array
from collections.abc import Sequence

import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from sag_ros.messages.stamps import SECOND, nanoseconds
from sag_ros.messages.trajectories import command_from_trajectory, command_of
from sag_ros.messages.trajectory_bytes import Points, TrajectoryBytes
from sag_ros.ros.stamps import StampClock
from sag_ros.values import JointCommand


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
        offsets = _after(command).tolist()
        for i in range(count):
            position, velocity, acceleration = self._views[i]
            position[:] = command.position[i]
            velocity[:] = command.velocity[i]
            acceleration[:] = command.acceleration[i]
            duration = self._points[i].time_from_start
            duration.sec, duration.nanosec = divmod(offsets[i], SECOND)
        self.message.points = self._points[:count]
        return self.message


class TrajectorySender:
    """Makes joint commands what a publisher of JointTrajectory takes: bytes, which is quicker than messages.

    Where the middleware does not read them as they are meant, which is tried once, they are messages.
    """

    def __init__(self, joints: Sequence[str]) -> None:
        self._bytes, self._writer = TrajectoryBytes(joints), TrajectoryWriter(joints, capacity=2)
        self.stamp = Time()  # of the last command
        clock = StampClock(lambda: 3 * SECOND + 7)
        rows = np.arange(6.0 * len(joints)).reshape(3, 2, -1)
        command = JointCommand(np.array([0.0, 1.5]), *rows)
        read = deserialize_message(self._to_bytes(command, clock), JointTrajectory)
        self._same = read == self._writer.write(command, clock)

    def write(self, command: JointCommand, clock: StampClock) -> bytes | JointTrajectory:
        """The command; a message is valid until the next call."""
        if self._same:
            return self._to_bytes(command, clock)
        message = self._writer.write(command, clock)
        self.stamp = message.header.stamp
        return message

    def _to_bytes(self, command: JointCommand, clock: StampClock) -> bytes:
        # One reading of the clock for both: our own command is known by its stamp.
        stamp = nanoseconds(clock.write(float(command.time[0]), self.stamp))
        rows = command.position, command.velocity, command.acceleration
        return self._bytes.write(Points(stamp, _after(command), *rows))


class TrajectoryReceiver:
    """Reads serialised messages of JointTrajectory as commands of these joints, quickly those of its like."""

    def __init__(self, joints: Sequence[str]) -> None:
        self._joints, self._bytes = tuple(joints), TrajectoryBytes(joints)

    def read(self, data: bytes, clock: StampClock, now: float) -> JointCommand:
        """See :func:`command_from_trajectory`, whose errors it has."""
        points = self._bytes.read(data)
        if points is None or not points.stamp:
            message = deserialize_message(data, JointTrajectory)
            return command_from_trajectory(message, self._joints, clock, now)
        return command_of(points, clock)


def _after(command: JointCommand) -> NDArray[np.int64]:
    """(N,) ns from the first sample."""
    return np.rint((command.time - command.time[0]) * SECOND).astype(np.int64)


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
