"""Trajectories as bytes."""

from __future__ import annotations

import numpy as np

from sag_ros.control.motion import Motion

PIECES = 1024  # at most
_JOINTS = 7
SIZE = 8 * (1 + PIECES + 1 + PIECES * 6 * _JOINTS)  # bytes


def pack(motion: Motion, shift: float = 0.0) -> bytes:
    """A motion, its times moved by ``shift`` s, as bytes.

    Raises:
        ValueError: it has more pieces than fit.
    """
    pieces = len(motion.coefficients)
    if pieces > PIECES:
        raise ValueError(
            f"a trajectory of {pieces} pieces is longer than the {PIECES} that fit; send less at once"
        )
    times = np.asarray(motion.times, dtype=np.float64) + shift
    return b"".join((np.int64(pieces).tobytes(), times.tobytes(), motion.coefficients.tobytes()))


def unpack(message: bytes) -> Motion:
    """What :func:`pack` made."""
    pieces = int(np.frombuffer(message, np.int64, 1)[0])
    times = np.frombuffer(message, np.float64, pieces + 1, 8)
    coefficients = np.frombuffer(message, np.float64, pieces * 6 * _JOINTS, 8 * (pieces + 2))
    return Motion(times, coefficients.reshape(pieces, 6, _JOINTS))
