"""Where the tool centre point of an arm is, and how it moves with the joints; compiled."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, sin

import numpy as np

from sag_ros.control.kernel import kernel
from sag_ros.robots.arm import Arm
from sag_ros.robots.chain import Chain
from sag_ros.values import Float


def forward(chain: Chain, position: Float) -> tuple[Float, Float]:
    """Pose of the tool centre point in the arm's base frame.

    Args:
        chain: of the arm.
        position: (J,) rad.

    Returns:
        (3,) position, m, and (3, 3) rotation matrix.
    """
    joints = len(chain.rolls)
    if np.shape(position) != (joints,):
        raise ValueError(f"expected {joints} joint positions, got an array {np.shape(position)}")
    pose, jacobian = np.empty((3, 4)), np.empty((6, joints))
    move(np.array(position, dtype=np.float64), chain.frames, np.array(chain.tool), pose, jacobian)
    return pose[:, 3].copy(), pose[:, :3].copy()


def forward_of(arm: Arm) -> Callable[[Float], tuple[Float, Float]] | None:
    """:func:`forward` of an arm; None where its chain is not known."""
    chain = arm.chain
    return None if chain is None else lambda position: forward(chain, position)


@kernel
def move(q: Float, frames: Float, tool: Float, pose: Float, jacobian: Float) -> None:
    """Pose and geometric Jacobian of the tool centre point, in the base frame.

    Args:
        q: (J,) rad.
        frames, tool: see :class:`sag_ros.robots.chain.Chain`.
        pose: (3, 4) rotation and position (m), written.
        jacobian: (6, J) linear (m/rad), then angular, written.
    """
    joints = len(q)
    rotation, origin = np.eye(3), np.zeros(3)
    turned = np.empty((3, 3))
    for j in range(joints):
        for i in range(3):
            x, y, z = frames[j, 0], frames[j, 1], frames[j, 2]
            origin[i] += rotation[i, 0] * x + rotation[i, 1] * y + rotation[i, 2] * z
        c, s = cos(frames[j, 3]), sin(frames[j, 3])
        cq, sq = cos(q[j]), sin(q[j])
        for i in range(3):
            x, y, z = rotation[i, 0], rotation[i, 1], rotation[i, 2]
            y, z = c * y + s * z, c * z - s * y  # about its own x axis
            turned[i, 0], turned[i, 1], turned[i, 2] = cq * x + sq * y, cq * y - sq * x, z
        rotation[:] = turned
        for i in range(3):  # for the moment where the joint is; the lever follows below
            jacobian[i, j], jacobian[3 + i, j] = origin[i], rotation[i, 2]
    for i in range(3):
        x, y, z = rotation[i, 0], rotation[i, 1], rotation[i, 2]
        pose[i, 3] = origin[i] + x * tool[0, 3] + y * tool[1, 3] + z * tool[2, 3]
        for k in range(3):
            pose[i, k] = x * tool[0, k] + y * tool[1, k] + z * tool[2, k]
    for j in range(joints):
        lx, ly, lz = pose[0, 3] - jacobian[0, j], pose[1, 3] - jacobian[1, j], pose[2, 3] - jacobian[2, j]
        x, y, z = jacobian[3, j], jacobian[4, j], jacobian[5, j]
        jacobian[0, j], jacobian[1, j], jacobian[2, j] = y * lz - z * ly, z * lx - x * lz, x * ly - y * lx
