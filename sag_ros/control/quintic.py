"""The quintics through samples with velocities and accelerations; compiled."""

from __future__ import annotations

from sag_ros.control.kernel import kernel
from sag_ros.values import Float


@kernel
def quintics(time: Float, position: Float, velocity: Float, acceleration: Float, out: Float) -> None:
    """Write the coefficients of every piece, in powers of the time since its first sample.

    Args:
        time: (N,) increasing, s; position, velocity, acceleration: (N, J).
        out: (N - 1, 6, J) to be written.
    """
    for m in range(len(time) - 1):
        h = time[m + 1] - time[m]
        for j in range(position.shape[1]):
            d = position[m + 1, j] - position[m, j]
            v0, v1 = velocity[m, j] * h, velocity[m + 1, j] * h
            a0, a1 = acceleration[m, j] * h * h, acceleration[m + 1, j] * h * h
            out[m, 0, j] = position[m, j]
            out[m, 1, j] = velocity[m, j]
            out[m, 2, j] = 0.5 * acceleration[m, j]
            out[m, 3, j] = (10.0 * d - 6.0 * v0 - 4.0 * v1 - 1.5 * a0 + 0.5 * a1) / h**3
            out[m, 4, j] = (-15.0 * d + 8.0 * v0 + 7.0 * v1 + 1.5 * a0 - a1) / h**4
            out[m, 5, j] = (6.0 * d - 3.0 * v0 - 3.0 * v1 - 0.5 * a0 + 0.5 * a1) / h**5
