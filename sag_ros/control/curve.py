"""The smooth curve through the actions of a chunk."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from sag_ros.control.motion import Motion
from sag_ros.values import ActionChunk, Float, frozen

# Rows: powers of the local parameter; columns: the four control points of a uniform cubic B-spline piece.
_B_SPLINE = np.array([[1, 4, 1, 0], [-3, 0, 3, 0], [3, -6, 3, 0], [-1, 3, -3, 1]], dtype=float) / 6.0


@lru_cache(maxsize=64)
def _fit(count: int, smoothing: float) -> Float:
    """(count, 4, count): cubic coefficients of each piece, in units of the period, per action."""
    points = count + 3
    values = np.zeros((count, points))
    for i in range(count):
        values[i, i + 1 : i + 4] = _B_SPLINE[0, :3]
    normal = values.T @ values
    # One or two actions leave the slope or the bend open; then the tiny weights decide: straight.
    tiny = [(1, 1e-10), (2, 1e-8)] if count < 3 else []
    for order, weight in [*tiny, (3, max(smoothing, 1e-6))]:
        difference = np.diff(np.eye(points), order, axis=0)
        normal += weight * difference.T @ difference
    control = np.linalg.solve(normal, values.T)  # (points, count)
    return frozen(np.stack([_B_SPLINE @ control[m : m + 4] for m in range(count)]))


def curve(chunk: ActionChunk, smoothing: float = 0.3) -> Motion:
    """A C2 curve from the stamp of the chunk to its last action, through its actions.

    A cubic spline with knots at the action times that minimises
    ``sum (curve - action)^2 + smoothing * period^5 * integral jerk^2``: independent noise of the actions
    is averaged out, while constant velocity and constant acceleration are reproduced without lag.

    Args:
        chunk: (Ta, J) positions at ``stamp + (i + 1) * period``.
        smoothing: 0 passes through every action; 1 has its cut-off at 1 / (6 period).
    """
    count = len(chunk.positions)
    pieces = (_fit(count, smoothing).reshape(4 * count, count) @ chunk.positions).reshape(count, 4, -1)
    coefficients = np.zeros((count, 6, chunk.positions.shape[1]))
    coefficients[:, :4] = pieces * (chunk.period ** -np.arange(4.0))[:, None]
    times = chunk.stamp + chunk.period * np.arange(count + 1)
    times[-1] += 0.5 * chunk.period  # a Motion is at rest from its end on; the last action is still moving
    return Motion(times, coefficients)
