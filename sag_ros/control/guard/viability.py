"""From which states of one joint its limits can still be kept, and what it may do next.

Time is sampled; the acceleration is linear within a step. A state is *viable* towards a side if braking at
full strength from it never crosses the velocity bound of that side. The bound is followed with less
deceleration than the joint has (:func:`sag_ros.control.guard.guard.guard_limits` sees to it), so once it
brakes fully it stays below, and looking ahead until then is looking ahead for good.

Both sides are one: with ``side`` -1 everything is mirrored. Compiled, because a Python loop over joints and
samples would cost more than the rest of the control path.

Limits of a joint are a row: offset c, slope g, lower and upper end of the velocity envelope, largest speed,
acceleration, change of acceleration within a step (rad, s).
"""

from __future__ import annotations

import numpy as np

from sag_ros.control.envelope import allowed_speed
from sag_ros.control.kernel import kernel
from sag_ros.robots.limits import JointLimits
from sag_ros.values import Float

OFFSET, SLOPE, LOWER, UPPER, SPEED, ACCELERATION, CHANGE = range(7)
SHARE = 0.998  # of acceleration and jerk that is used: what follows is compared with all of it
_ROUNDING = 1e-9  # rad/s
_HALVINGS = 14
_LOOKS = 4  # at the velocity within a step


def rows(limits: JointLimits, step: float) -> Float:
    """(J, 7) the limits of every joint, for commands sampled every ``step`` s."""
    envelope = limits.envelope
    columns = (
        envelope.c,
        envelope.g,
        envelope.lower,
        envelope.upper,
        limits.velocity,
        limits.acceleration * SHARE,
        limits.jerk * SHARE * step,
    )
    return np.ascontiguousarray(np.stack(columns, axis=1))


@kernel
def speed(row: Float, side: float, q: float) -> float:
    """Largest velocity towards a side, rad/s, >= 0, at position ``q``, rad."""
    room = row[UPPER] - q if side > 0.0 else q - row[LOWER]
    return allowed_speed(room, row[OFFSET], row[SLOPE], row[SPEED])


@kernel
def advance(q: float, v: float, a: float, b: float, step: float) -> tuple[float, float]:
    """State after a step in which the acceleration goes from ``a`` to ``b``."""
    return q + step * (v + step * (2.0 * a + b) / 6.0), v + 0.5 * step * (a + b)


@kernel
def _under(row: Float, side: float, q: float, v: float, a: float, b: float, step: float) -> bool:
    """Whether the velocity stays below the bound of a side within a step from ``a`` to ``b``."""
    for look in range(1, _LOOKS + 1):
        t = step * look / _LOOKS
        here = a + (b - a) * t / step
        qt, vt = advance(q, v, a, here, t)
        if side * vt > speed(row, side, qt) + _ROUNDING:
            return False
    turn = side * a
    if turn > 0.0 and side * b < 0.0:  # the velocity has its peak within the step
        t = step * turn / (turn - side * b)
        qt, vt = advance(q, v, a, 0.0, t)
        if side * vt > speed(row, side, qt) + _ROUNDING:
            return False
    return True


@kernel
def viable(row: Float, side: float, q: float, v: float, a: float, step: float) -> bool:
    """Whether braking from a state keeps the bound of a side."""
    full = -side * row[ACCELERATION]
    while True:
        if side * v <= 0.0 and side * a <= 0.0:
            return True
        b = max(full, a - row[CHANGE]) if side > 0.0 else min(full, a + row[CHANGE])
        if not _under(row, side, q, v, a, b, step):
            return False
        if b == full:
            return True
        q, v = advance(q, v, a, b, step)
        a = b


@kernel
def _stays(row: Float, side: float, q: float, v: float, a: float, b: float, step: float) -> bool:
    if not _under(row, side, q, v, a, b, step):
        return False
    q, v = advance(q, v, a, b, step)
    return viable(row, side, q, v, b, step)


@kernel
def next_acceleration(row: Float, q: float, v: float, a: float, wanted: float, step: float) -> float:
    """The acceleration nearest to ``wanted`` at the end of a step after which the joint is viable.

    Where there is none, because the state is outside already, the one that comes back soonest.
    """
    low = max(-row[ACCELERATION], a - row[CHANGE])
    high = min(row[ACCELERATION], a + row[CHANGE])
    b = min(max(wanted, low), high)
    for side in (1.0, -1.0):
        if _stays(row, side, q, v, a, b, step):
            continue
        good = low if side > 0.0 else high
        bad = b
        if not _stays(row, side, q, v, a, good, step):
            b = good
            continue
        for _ in range(_HALVINGS):
            middle = 0.5 * (good + bad)
            if _stays(row, side, q, v, a, middle, step):
                good = middle
            else:
                bad = middle
        b = good
    return b
