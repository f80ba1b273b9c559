"""Rotations as policies give them, and as matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from sag_ros.policy.meanings import TcpSpec

Float64 = NDArray[np.float64]
_SHORT = 1e-6  # a quaternion or an axis of a matrix that is shorter has no direction


def to_matrix(numbers: NDArray[np.floating], kind: str) -> Float64:
    """(N, R) numbers of a ``kind``, see ``meanings.ROTATIONS``, as (N, 3, 3) matrices.

    Six numbers are made orthonormal (Zhou et al. 2019), quaternions unit. Rows of NaN where that is
    impossible.
    """
    values = np.asarray(numbers, np.float64)
    matrices = np.full((len(values), 3, 3), np.nan)
    if kind.startswith("sixd"):
        first, second = values[:, :3], values[:, 3:]
        with np.errstate(invalid="ignore", divide="ignore"):
            x = first / _length(first)
            across = second - (x * second).sum(axis=1, keepdims=True) * x
            y = across / _length(across)
        axes = np.stack([x, y, np.cross(x, y)], axis=1)
        return axes if kind == "sixd_rows" else axes.transpose(0, 2, 1)
    good = np.isfinite(values).all(axis=1)
    if kind == "axis_angle":
        matrices[good] = Rotation.from_rotvec(values[good]).as_matrix()
        return matrices
    good &= np.linalg.norm(values, axis=1) > _SHORT
    quaternions = values[good]
    if kind == "quaternion_wxyz":
        quaternions = np.roll(quaternions, -1, axis=1)
    matrices[good] = Rotation.from_quat(quaternions).as_matrix()
    return matrices


def frames(tcp: TcpSpec | None) -> tuple[Float64 | None, Float64 | None]:
    """``base`` and ``tool`` of PoseChunk, as a contract says."""
    base, tool = (None, None) if tcp is None else (tcp.base, tcp.tool)
    return (
        None if base is None else placed(base.translation, base.rotation),
        None if tool is None else placed(tool.translation, tool.rotation),
    )


def placed(translation: Sequence[float], quaternion: Sequence[float]) -> Float64:
    """(4, 4) of a translation, m, and a quaternion x, y, z, w."""
    found = np.eye(4)
    found[:3, :3] = to_matrix(np.asarray(quaternion, np.float64)[None], "quaternion_xyzw")[0]
    found[:3, 3] = translation
    return found


def from_matrix(matrices: NDArray[np.floating], kind: str) -> Float64:
    """(N, 3, 3) matrices as (N, R) numbers of a ``kind``; of the two quaternions that with w not negative."""
    if kind.startswith("sixd"):
        axes = matrices if kind == "sixd_rows" else np.swapaxes(matrices, 1, 2)
        return np.asarray(axes[:, :2], np.float64).reshape(len(matrices), 6)
    rotation: Any = Rotation.from_matrix(matrices)
    if kind == "axis_angle":
        return np.asarray(rotation.as_rotvec())
    quaternions = np.asarray(rotation.as_quat(canonical=True))
    return np.roll(quaternions, 1, axis=1) if kind == "quaternion_wxyz" else quaternions


def _length(vectors: Float64) -> Float64:
    """(N, 1) lengths; NaN of those that are too short."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.where(lengths > _SHORT, lengths, np.nan)
