"""How fast the end of an arm moves; compiled."""

from __future__ import annotations

from math import cos, sin, sqrt

import numpy as np

from sag_ros.control.kernel import kernel
from sag_ros.robots.chain import Chain
from sag_ros.values import Float


def tip_speed(chain: Chain, position: Float, velocity: Float) -> float:
    """The largest speed of any tip of ``chain`` in any of (N, J) samples, rad, rad/s; m/s."""
    # In one layout, and tips as a copy: for others, such as cannot be written to, it is compiled once more.
    samples = np.ascontiguousarray(position), np.ascontiguousarray(velocity)
    return float(fastest(*samples, chain.frames, np.array(chain.tips)))


@kernel
def fastest(position: Float, velocity: Float, frames: Float, tips: Float) -> float:
    """The largest speed of any tip in any sample, m/s.

    Velocities are passed on from joint to joint, each in its own frame, so that no pose is needed.

    Args:
        position, velocity: (N, J) rad, rad/s.
        frames, tips: see :class:`sag_ros.robots.chain.Chain`.
    """
    most = 0.0
    for n in range(position.shape[0]):
        vx, vy, vz, wx, wy, wz = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for j in range(frames.shape[0]):
            x, y, z, roll = frames[j, 0], frames[j, 1], frames[j, 2], frames[j, 3]
            vx, vy, vz = vx + wy * z - wz * y, vy + wz * x - wx * z, vz + wx * y - wy * x
            c, s = cos(roll), sin(roll)
            vy, vz, wy, wz = c * vy + s * vz, c * vz - s * vy, c * wy + s * wz, c * wz - s * wy
            c, s = cos(position[n, j]), sin(position[n, j])
            vx, vy, wx, wy = c * vx + s * vy, c * vy - s * vx, c * wx + s * wy, c * wy - s * wx
            wz += velocity[n, j]
        for p in range(tips.shape[0]):
            x, y, z = tips[p, 0], tips[p, 1], tips[p, 2]
            a, b, c = vx + wy * z - wz * y, vy + wz * x - wx * z, vz + wx * y - wy * x
            most = max(most, a * a + b * b + c * c)
    return sqrt(most)
