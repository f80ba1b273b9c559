"""Follow the wanted motion of one joint as well as its limits allow, and come to rest; compiled."""

from __future__ import annotations

from math import sqrt

import numpy as np

from sag_ros.control.guard.bridge import bridge
from sag_ros.control.guard.viability import (
    ACCELERATION,
    LOWER,
    OFFSET,
    SLOPE,
    UPPER,
    advance,
    next_acceleration,
    speed,
    viable,
)
from sag_ros.control.kernel import kernel
from sag_ros.values import Float

_RATE = 30.0  # 1/s, with which a velocity error is removed; about 3 samples
_APPROACH = 12.0  # 1/s, with which a small position error is removed
_BRAKE = 0.5  # share of the acceleration counted on for closing in on the motion
_MARGIN = 0.97  # share of the velocity bound that is aimed at
_NEAR, _NEAR_SPEED = 2e-2, 0.2  # rad, rad/s: so close, rejoining is tried
_REJOIN = (4, 8, 16)  # samples to rejoin in
_TIP_SPEED = 0.1  # rad/s: where the envelope allows less, crawling to a goal would take seconds
_STILL = 1e-6  # rad/s: an envelope without an offset ends in a point where nothing may move
SETTLE = 60  # samples in which the end of the motion is still gone for
BRAKE = 200  # samples in which every joint comes to rest
_STOPS = (2, 4, 8, 16, 32, 64)  # samples to come to rest in


@kernel
def track(wanted: Float, broken: np.ndarray, row: Float, step: float, out: Float) -> int:
    """Write the motion of one joint that follows ``wanted`` where it can and ends at rest.

    While the wanted motion keeps the limits and the joint could still brake, it is taken over unchanged.

    Args:
        wanted: (3, N) position, velocity, acceleration at the samples; ends at rest.
        broken: (N - 1,) bool, the pieces between the samples that break a limit.
        row: limits, see :mod:`sag_ros.control.guard.viability`.
        step: between the samples, s.
        out: (3, N + SETTLE + BRAKE) to be written.

    Returns:
        How many samples of ``out`` are the motion; the last is at rest. 0 if it did not come to rest, which
        only a state far outside the limits leads to.
    """
    count = wanted.shape[1]
    q, v, a = wanted[0, 0], wanted[1, 0], wanted[2, 0]
    out[0, 0], out[1, 0], out[2, 0] = q, v, a
    tip = (row[OFFSET] + _TIP_SPEED) ** 2 / row[SLOPE]
    goal = min(max(wanted[0, -1], min(row[LOWER] + tip, q)), max(row[UPPER] - tip, q))
    following = True
    k, first_stop = 0, count - 1 + SETTLE
    while k < first_stop:
        if following and k < count - 1:
            if not broken[k] and _viable(wanted, k + 1, row, step):
                k += 1
                q, v, a = wanted[0, k], wanted[1, k], wanted[2, k]
                out[0, k], out[1, k], out[2, k] = q, v, a
                continue
        elif following:
            return count
        following = False
        rejoined = _rejoin(wanted, broken, row, step, out, k, goal)
        if rejoined > 0:
            k = rejoined
            q, v, a = out[0, k], out[1, k], out[2, k]
            if k >= count - 1:
                return k + 1
            following = True
            continue
        ahead = min(k + 1, count - 1)
        end = k + 1 >= count - 1
        b = _pull(row, q, v, a, goal if end else wanted[0, ahead], wanted[1, ahead], wanted[2, ahead], step)
        q, v, a = _step(row, q, v, a, b, step, out, k)
        k += 1
    return _stop(row, step, out, k)


@kernel
def _viable(wanted: Float, k: int, row: Float, step: float) -> bool:
    q, v, a = wanted[0, k], wanted[1, k], wanted[2, k]
    return viable(row, 1.0, q, v, a, step) and viable(row, -1.0, q, v, a, step)


@kernel
def _step(
    row: Float, q: float, v: float, a: float, b: float, step: float, out: Float, k: int
) -> tuple[float, float, float]:
    b = next_acceleration(row, q, v, a, b, step)
    q, v = advance(q, v, a, b, step)
    out[0, k + 1], out[1, k + 1], out[2, k + 1] = q, v, b
    return q, v, b


@kernel
def _pull(
    row: Float, q: float, v: float, a: float, to: float, to_v: float, to_a: float, step: float
) -> float:
    """The acceleration that closes in on a moving goal, from what a constant one would lead to."""
    top = row[ACCELERATION]
    here = q + step * (v + 0.5 * step * a)
    moving = v + 0.5 * step * a
    error = to - here
    closing = min(_APPROACH * abs(error), sqrt(2.0 * _BRAKE * top * abs(error)))
    gain = _APPROACH if closing * _APPROACH <= _BRAKE * top else _BRAKE * top / closing
    target = to_v + (closing if error > 0.0 else -closing)
    push = to_a + gain * (to_v - moving)
    side = 1.0 if target > 0.0 else -1.0
    bound = speed(row, side, here)
    if side * target > _MARGIN * bound:
        target = side * _MARGIN * bound
        # Along the envelope the speed falls with the distance that is left.
        fall = 0.5 * row[SLOPE] * max(side * moving, 0.0) / max(bound + row[OFFSET], _STILL)
        if bound < speed(row, side, here - side * 1e-3):
            push = -side * min(fall, top)
        elif side * push > 0.0:
            push = 0.0
    return push + _RATE * (target - moving)


@kernel
def _rejoin(
    wanted: Float, broken: np.ndarray, row: Float, step: float, out: Float, k: int, goal: float
) -> int:
    """Write a bridge from sample ``k`` to a later one of the wanted motion; that sample, or 0."""
    last = wanted.shape[1] - 1
    for n in _REJOIN:
        target = k + n
        at = min(target, last)
        if target < last and (broken[target] or broken[target - 1]):
            continue
        to, to_v, to_a = wanted[0, at], wanted[1, at], wanted[2, at]
        if target >= last:
            to, to_v, to_a = goal, 0.0, 0.0
        flight = n * step
        if abs(to - out[0, k] - 0.5 * flight * (out[1, k] + to_v)) > _NEAR:
            continue
        if abs(to_v - out[1, k]) > _NEAR_SPEED + 0.25 * row[ACCELERATION] * flight:
            continue
        if target < last and not _viable(wanted, target, row, step):
            continue
        if bridge(row, out, k, n, to, to_v, to_a, step):
            return target
    return 0


@kernel
def _stop(row: Float, step: float, out: Float, k: int) -> int:
    """Come to rest from sample ``k``; returns how many samples there are, 0 if that failed."""
    limit = min(k + BRAKE, out.shape[1] - 1)
    q, v, a = out[0, k], out[1, k], out[2, k]
    while True:
        for n in _STOPS:
            if k + n > limit:
                break
            # Such that the jerk is as even as can be: a cubic in the velocity.
            flight = n * step
            rest = q + flight * (0.5 * v + a * flight / 12.0)
            if bridge(row, out, k, n, rest, 0.0, 0.0, step):
                return k + n + 1
        if k >= limit:
            return 0
        q, v, a = _step(row, q, v, a, -v / step - 0.5 * a, step, out, k)
        k += 1
