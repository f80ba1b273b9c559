"""A JointTrajectory as it goes over the wire, to and from arrays, without an object for each of its points.

ROS 2 sends CDR, version 1, little-endian: numbers are aligned to their size, counted from behind a header of
four bytes; sequences and texts begin with their length. Of J joints every point takes as many bytes, so that
all of them are one structured array.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sag_ros.messages.stamps import SECOND
from sag_ros.values import Float

HEADER = b"\x00\x01\x00\x00"  # CDR, little-endian
_STAMP = struct.Struct("<iI")  # of the message, behind the header
_COUNT = struct.Struct("<I")
_REST = 16  # bytes that may follow, without a meaning


class Points(NamedTuple):
    """Stamp, ns since 1970; (N,) ns after it; (N, J) positions, velocities and accelerations."""

    stamp: int
    after: NDArray[np.int64]
    position: Float
    velocity: Float
    acceleration: Float


class TrajectoryBytes:
    """Writes and reads trajectories of these joints, in this order, without frame and efforts.

    Args:
        joints: their names.
    """

    def __init__(self, joints: Sequence[str]) -> None:
        names = bytearray(_COUNT.pack(1) + b"\x00")  # the frame: an empty text
        _align(names, 4)
        names += _COUNT.pack(len(joints))
        for joint in joints:
            _align(names, 4)
            text = joint.encode() + b"\x00"
            names += _COUNT.pack(len(text)) + text
        _align(names, 4)
        self._names = bytes(names)
        # A point begins with the length of its positions, which are aligned to 8: four bytes behind where
        # the points begin, or eight. In the second case that length stands before the array, and what the
        # array has in its place are the bytes between.
        self._begin = len(HEADER) + _STAMP.size + len(self._names) + _COUNT.size
        self._shifted = (self._begin - len(HEADER)) % 8 == 0
        self._count = len(joints)
        numbers, length = ("<f8", (len(joints),)), "<u4"
        self._point = np.dtype(
            [
                ("positions", length), ("position", *numbers),
                ("velocities", length), ("gap", length), ("velocity", *numbers),
                ("accelerations", length), ("space", length), ("acceleration", *numbers),
                ("efforts", length), ("sec", "<i4"), ("nanosec", length),
            ]
        )  # fmt: skip

    def write(self, points: Points) -> bytes:
        """The message."""
        array = np.zeros(len(points.after), self._point)
        array["positions"] = array["velocities"] = array["accelerations"] = self._count
        array["position"], array["velocity"] = points.position, points.velocity
        array["acceleration"] = points.acceleration
        array["sec"], array["nanosec"] = np.divmod(points.after, SECOND)
        parts = [HEADER, _STAMP.pack(*divmod(points.stamp, SECOND)), self._names, _COUNT.pack(len(array))]
        if self._shifted and len(array):
            parts.append(_COUNT.pack(self._count))
        return b"".join([*parts, array.tobytes()])

    def read(self, data: bytes) -> Points | None:
        """What is in a message; None where it is laid out otherwise: other joints, absent velocities."""
        names = len(HEADER) + _STAMP.size
        end = names + len(self._names)
        if data[: len(HEADER)] != HEADER or data[names:end] != self._names or len(data) < self._begin:
            return None  # also where there is anything between the names but zeros
        (count,) = _COUNT.unpack_from(data, end)
        begin = self._begin + (_COUNT.size if self._shifted else 0)
        if not count or not 0 <= len(data) - begin - count * self._point.itemsize < _REST:
            return None
        array = np.frombuffer(data, self._point, count, begin)
        lengths = np.stack([array["velocities"], array["accelerations"]])
        positions = array["positions"].copy()
        (positions[0],) = _COUNT.unpack_from(data, self._begin)
        if (lengths != self._count).any() or (positions != self._count).any() or array["efforts"].any():
            return None
        sec, nanosec = _STAMP.unpack_from(data, len(HEADER))
        after = array["sec"].astype(np.int64) * SECOND + array["nanosec"]
        fields = (array[name].copy() for name in ("position", "velocity", "acceleration"))
        return Points(sec * SECOND + nanosec, after, *fields)


def _align(data: bytearray, size: int) -> None:
    """Zeros up to a multiple of ``size``; the stamp before the names takes eight bytes."""
    data += bytes(-len(data) % size)
