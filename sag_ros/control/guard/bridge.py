"""A quintic from one state of a joint to another that keeps its limits; compiled."""

from __future__ import annotations

from sag_ros.control.guard.viability import ACCELERATION, CHANGE, speed
from sag_ros.control.kernel import kernel
from sag_ros.control.peaks import peaks
from sag_ros.values import Float

_SLACK = 1e-9
_LOOKS = 3  # at position and velocity between two samples
_FINER = 8  # times as many where hardly any velocity is allowed
_SLOW = 5e-3  # rad/s


@kernel
def bridge(row: Float, out: Float, k: int, n: int, q1: float, v1: float, a1: float, step: float) -> bool:
    """Write samples ``k + 1`` to ``k + n`` of a quintic from sample ``k`` of ``out`` to a state.

    Args:
        row: limits, see :mod:`sag_ros.control.guard.viability`.
        out: (3, N) position, velocity, acceleration.
        q1, v1, a1: the state at sample ``k + n``.
        step: between the samples, s.

    Returns:
        Whether it keeps acceleration, jerk and the velocity envelope; what was written counts only then.
    """
    q0, v0, a0 = out[0, k], out[1, k], out[2, k]
    T = n * step
    d = q1 - q0
    w0, w1 = v0 * T, v1 * T
    b0, b1 = a0 * T * T, a1 * T * T
    c3 = 10.0 * d - 6.0 * w0 - 4.0 * w1 - 1.5 * b0 + 0.5 * b1
    c4 = -15.0 * d + 8.0 * w0 + 7.0 * w1 + 1.5 * b0 - b1
    c5 = 6.0 * d - 3.0 * w0 - 3.0 * w1 - 0.5 * b0 + 0.5 * b1
    a, r = peaks(0.5 * b0, c3, c4, c5, 1.0)
    if abs(a) > (row[ACCELERATION] + _SLACK) * T * T or abs(r) > row[CHANGE] / step * T * T * T:
        return False
    looks = _LOOKS
    if min(speed(row, 1.0, q0), speed(row, -1.0, q0), speed(row, 1.0, q1), speed(row, -1.0, q1)) < _SLOW:
        looks *= _FINER
    for i in range(n * looks + 1):
        u = i / (n * looks)
        v = (w0 + u * (b0 + u * (3.0 * c3 + u * (4.0 * c4 + u * 5.0 * c5)))) / T
        q = q0 + u * (w0 + u * (0.5 * b0 + u * (c3 + u * (c4 + u * c5))))
        if i and (v > speed(row, 1.0, q) + _SLACK or -v > speed(row, -1.0, q) + _SLACK):
            return False
        if i and i % looks == 0:
            at = k + i // looks
            a = (b0 + u * (6.0 * c3 + u * (12.0 * c4 + u * 20.0 * c5))) / (T * T)
            out[0, at], out[1, at], out[2, at] = q, v, a
    out[0, k + n], out[1, k + n], out[2, k + n] = q1, v1, a1
    return True
