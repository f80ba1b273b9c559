"""Where acceleration and jerk of a quintic are largest, exactly; compiled."""

from __future__ import annotations

from math import sqrt

from sag_ros.control.kernel import kernel


@kernel
def peaks(c2: float, c3: float, c4: float, c5: float, h: float) -> tuple[float, float]:
    """Largest acceleration and jerk of ``c2 t^2 + c3 t^3 + c4 t^4 + c5 t^5`` for t in [0, h], signed.

    The acceleration has its extremes where the jerk, a parabola, is zero; the jerk has one at its vertex.
    """
    a, r = _larger(2.0 * c2, _acceleration(c2, c3, c4, c5, h)), _larger(6.0 * c3, _jerk(c3, c4, c5, h))
    k0, k1, k2 = 6.0 * c3, 24.0 * c4, 60.0 * c5
    if k2 != 0.0:
        vertex = -0.5 * k1 / k2
        if 0.0 < vertex < h:
            r = _larger(r, _jerk(c3, c4, c5, vertex))
    inside = k1 * k1 - 4.0 * k2 * k0
    if inside >= 0.0:
        # Such that nothing cancels: both roots of k2 t^2 + k1 t + k0.
        s = -0.5 * (k1 + (sqrt(inside) if k1 >= 0.0 else -sqrt(inside)))
        if k2 != 0.0 and 0.0 < s / k2 < h:
            a = _larger(a, _acceleration(c2, c3, c4, c5, s / k2))
        if s != 0.0 and 0.0 < k0 / s < h:
            a = _larger(a, _acceleration(c2, c3, c4, c5, k0 / s))
    return a, r


@kernel
def _acceleration(c2: float, c3: float, c4: float, c5: float, t: float) -> float:
    return 2.0 * c2 + t * (6.0 * c3 + t * (12.0 * c4 + t * 20.0 * c5))


@kernel
def _jerk(c3: float, c4: float, c5: float, t: float) -> float:
    return 6.0 * c3 + t * (24.0 * c4 + t * 60.0 * c5)


@kernel
def _larger(one: float, other: float) -> float:
    return one if abs(one) >= abs(other) else other
