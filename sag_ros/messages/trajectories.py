"""JointTrajectory to numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sag_ros.messages.errors import MessageError
from sag_ros.messages.stamps import SECOND, nanoseconds
from sag_ros.messages.trajectory_bytes import Points
from sag_ros.values import Float, JointCommand


class Stamp(NamedTuple):
    """As builtin_interfaces/Time has it."""

    sec: int
    nanosec: int


class Clock(Protocol):
    """On which times are told."""

    def seconds(self, stamp: Any) -> float:
        """A stamp of a message as s on it."""
        ...


def command_from_trajectory(message: Any, joints: Sequence[str], clock: Clock, now: float) -> JointCommand:
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
    after = np.array([nanoseconds(point.time_from_start) for point in message.points])
    return JointCommand(_increasing(start + after / SECOND), *rows)


def command_of(points: Points, clock: Clock) -> JointCommand:
    """The same of one that was read from bytes; it has a stamp.

    Raises:
        MessageError: times that do not increase, values that are not finite.
    """
    fields = {
        "positions": points.position,
        "velocities": points.velocity,
        "accelerations": points.acceleration,
    }
    for name, values in fields.items():
        _require_finite(name, values)
    start = clock.seconds(Stamp(*divmod(points.stamp, SECOND)))
    return JointCommand(_increasing(start + points.after / SECOND), *fields.values())


def _increasing(time: Float) -> Float:
    if (np.diff(time) <= 0).any():
        raise MessageError("trajectory times do not increase")
    return time


def _require_finite(field: str, array: Float) -> None:
    if not np.isfinite(array).all():
        raise MessageError(f"trajectory holds {field} that are not finite")


def _rows(message: Any, field: str, index: list[int]) -> NDArray[np.float64]:
    values = [getattr(point, field) for point in message.points]
    if field != "positions" and not any(len(row) for row in values):
        return np.empty((0, len(index)))
    for number, row in enumerate(values):
        if len(row) != len(index):
            raise MessageError(f"trajectory point {number} has {len(row)} {field} for {len(index)} joints")
    array = np.array(values)[:, index]
    _require_finite(field, array)
    return array
