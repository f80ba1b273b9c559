"""Where and by how much a motion exceeds limits; compiled."""

from __future__ import annotations

import numpy as np

from sag_ros.control.envelope import allowed_speed
from sag_ros.control.kernel import kernel
from sag_ros.control.peaks import peaks
from sag_ros.robots.limits import JointLimits
from sag_ros.values import Float

KINDS = ("position", "velocity", "acceleration", "jerk")
OVER, VALUE, BOUND = range(3)
_FINER = 8  # times as many looks at a velocity that comes close to its bound


def table(limits: JointLimits, allow: Float | None = None) -> Float:
    """(9, J) the limits as rows; ``allow``: see :func:`sag_ros.control.limits.broken`."""
    envelope = limits.envelope
    lower, upper = limits.lower, limits.upper
    if allow is not None:
        lower, upper = np.minimum(lower, allow), np.maximum(upper, allow)
    rows = (lower, upper, limits.velocity, limits.acceleration, limits.jerk)
    return np.array((*rows, envelope.c, envelope.g, envelope.lower, envelope.upper))


@kernel
def breaks(
    times: Float,
    coefficients: Float,
    limits: Float,
    points: int,
    fine: bool,
    rounding: float,
    tolerance: float,
    broken: np.ndarray,
) -> None:
    """Which pieces of a motion break a limit; positions and velocities are looked at in ``points`` places.

    Args:
        times: (M + 1,) borders, s; coefficients: (M, 6, J), see :class:`sag_ros.control.motion.Motion`.
        limits: (9, J), see :func:`table`.
        fine: look more often where a velocity comes close to its bound.
        rounding: allowed for position and velocity, rad, rad/s.
        tolerance: slack, relative for acceleration and jerk, else in SI units.
        broken: (M, J) bool to be written.
    """
    slack = rounding + tolerance
    for m in range(len(times) - 1):
        h = times[m + 1] - times[m]
        for j in range(limits.shape[1]):
            c = coefficients[m, :, j]
            lower, upper = limits[0, j] - slack, limits[1, j] + slack
            top, rate = limits[3, j] * (1.0 + tolerance), limits[4, j] * (1.0 + tolerance)
            # Between two places a velocity bends away from its chord by no more than this.
            bend = rate * (h / (points - 1)) ** 2 / 8.0 if fine else 0.0
            a, r = peaks(c[2], c[3], c[4], c[5], h)
            bad, near = abs(a) > top or abs(r) > rate, False
            for i in range(points):
                t = h * i / (points - 1)
                q, v = _state(c, t)
                bad |= q < lower or q > upper or _fast(limits, j, q, v, slack)
                if fine and not near:
                    near = _fast(limits, j, q, v + bend, slack) or _fast(limits, j, q, v - bend, slack)
            if near and not bad:
                for i in range(_FINER * (points - 1)):
                    q, v = _state(c, h * (i + 0.5) / (_FINER * (points - 1)))
                    bad |= _fast(limits, j, q, v, slack)
            broken[m, j] = bad


@kernel
def _state(c: Float, t: float) -> tuple[float, float]:
    q = c[0] + t * (c[1] + t * (c[2] + t * (c[3] + t * (c[4] + t * c[5]))))
    v = c[1] + t * (2.0 * c[2] + t * (3.0 * c[3] + t * (4.0 * c[4] + t * 5.0 * c[5])))
    return q, v


@kernel
def _fast(limits: Float, j: int, q: float, v: float, slack: float) -> bool:
    """Whether a velocity is outside the envelope; without the root that :func:`_bound` takes."""
    room = limits[8, j] - q if v > 0.0 else q - limits[7, j]
    free = abs(v) - slack
    if free <= 0.0:
        return False
    return free > limits[2, j] or (free + limits[5, j]) ** 2 > limits[6, j] * max(room, 0.0)


@kernel
def worst(
    times: Float,
    coefficients: Float,
    limits: Float,
    points: int,
    rounding: float,
    pieces: np.ndarray,
    out: Float,
) -> None:
    """The largest excess of every joint and kind.

    Args:
        times, coefficients, limits, points, rounding: see :func:`breaks`.
        pieces: (P,) those that are looked at.
        out: (J, 4, 3) to be written: the excess (relative for acceleration and jerk), the value there and
            its bound.
    """
    out[:, :, OVER] = -np.inf
    for m in pieces:
        h = times[m + 1] - times[m]
        for j in range(limits.shape[1]):
            lower, upper, top, rate = limits[0, j], limits[1, j], limits[3, j], limits[4, j]
            c = coefficients[m, :, j]
            a, r = peaks(c[2], c[3], c[4], c[5], h)
            _keep(out[j, 2], abs(a) / top - 1.0, a, top)
            _keep(out[j, 3], abs(r) / rate - 1.0, r, rate)
            for i in range(points):
                q, v = _state(c, h * i / (points - 1))
                bound = upper if q - upper > lower - q else lower
                _keep(out[j, 0], max(q - upper, lower - q) - rounding, q, bound)
                bound = _bound(limits, j, q, v)
                _keep(out[j, 1], abs(v) - bound - rounding, v, bound)


@kernel
def _bound(limits: Float, j: int, q: float, v: float) -> float:
    """The velocity bound on the side that the joint moves to."""
    room = limits[8, j] - q if v > 0.0 else q - limits[7, j]
    return allowed_speed(room, limits[5, j], limits[6, j], limits[2, j])


@kernel
def _keep(out: Float, over: float, value: float, bound: float) -> None:
    if over > out[OVER]:
        out[OVER], out[VALUE], out[BOUND] = over, value, bound
