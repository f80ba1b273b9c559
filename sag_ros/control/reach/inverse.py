"""Joint positions for a row of poses, each found from the one before; compiled.

Damped least squares: away from singular poses the damping is too small to be seen; near them, where joints
would have to race for a small motion of the tool, it grows (Nakamura and Hanafusa 1986) and the tool lags.
"""

from __future__ import annotations

from math import atan2, sqrt

import numpy as np

from sag_ros.control.kernel import kernel
from sag_ros.control.reach.kinematics import move
from sag_ros.values import Float

LEVER = 0.25  # m per rad: what an error of rotation counts beside one of position
_LEAST, _MOST = 1e-4, 0.05  # damping far from singular poses and in them
SINGULAR = 1.5e-4  # of the manipulability with LEVER (Yoshikawa 1985), from which it grows
_AHEAD = 0.15  # m: of a longer error so much is taken in one iteration
_STEP = 0.3  # rad: longest step of a joint in one iteration
_HOME = 0.02  # share of the way back to the rest pose, where the tool does not mind


@kernel
def follow(
    start: Float,
    poses: Float,
    frames: Float,
    tool: Float,
    lower: Float,
    upper: Float,
    fastest: Float,
    rest: Float,
    iterations: int,
    joints: Float,
    left: Float,
) -> None:
    """Find joint positions for each pose.

    Args:
        start: (J,) where the search begins, rad.
        poses: (N, 3, 4) rotation and position of the tool centre point, m.
        frames, tool: see :class:`sag_ros.robots.chain.Chain`.
        lower, upper: (J,) bounds that are kept, rad; ``start`` is brought inside.
        fastest: (J,) how far a joint may move from one pose to the next, rad.
        rest: (J,) pose that is preferred where several do, rad.
        iterations: for each pose; the first has as many again.
        joints: (N, J) written, rad.
        left: (N, 3) written: how far the tool stays away, m and rad, and the manipulability there.
    """
    count, dof = len(poses), len(start)
    pose, jacobian, scaled = np.empty((3, 4)), np.empty((6, dof)), np.empty((6, dof))
    error, step, own = np.empty(6), np.empty(dof), np.empty(dof)
    square, half = np.empty((6, 6)), np.empty(6)
    free = np.ones(dof)
    q, low, high = np.empty(dof), np.empty(dof), np.empty(dof)
    for j in range(dof):
        q[j] = min(max(start[j], lower[j]), upper[j])
    for n in range(count):
        for j in range(dof):
            low[j], high[j] = max(lower[j], q[j] - fastest[j]), min(upper[j], q[j] + fastest[j])
        for i in range(iterations * (2 if n == 0 else 1)):
            move(q, frames, tool, pose, jacobian)
            _difference(poses[n], pose, error)
            distance, angle = _sizes(error)
            if i > 0 and distance < 1e-6 and angle < 1e-6:  # once, for the way to the rest pose
                break
            share = min(1.0, _AHEAD / max(distance, LEVER * angle, 1e-12))
            for k in range(6):
                weight = 1.0 if k < 3 else LEVER
                error[k] *= share * weight
                for j in range(dof):
                    scaled[k, j] = weight * jacobian[k, j]
            free[:] = 1.0
            for _ in range(dof):  # joints at a bound stand still, and the others do without them
                _least(scaled, error, free, q, rest, square, half, own, step)
                worst, most = -1, 1e-9
                for j in range(dof):
                    outside = max(low[j] - q[j] - step[j], q[j] + step[j] - high[j])
                    if free[j] > 0.0 and outside > most:
                        worst, most = j, outside
                if worst < 0:
                    break
                # It goes as far as it may; what that brings is seen in the next iteration.
                q[worst] = low[worst] if q[worst] + step[worst] < low[worst] else high[worst]
                free[worst] = 0.0
            longest = 0.0
            for j in range(dof):
                longest = max(longest, abs(step[j]))
            share = min(1.0, _STEP / longest) if longest > 0.0 else 1.0
            for j in range(dof):
                q[j] = min(max(q[j] + share * step[j], low[j]), high[j])
        move(q, frames, tool, pose, jacobian)
        _difference(poses[n], pose, error)
        left[n, 0], left[n, 1] = _sizes(error)
        for i in range(6):
            for j in range(dof):
                scaled[i, j] = (1.0 if i < 3 else LEVER) * jacobian[i, j]
        free[:] = 1.0
        left[n, 2] = _factor(scaled, free, 0.0, square)
        joints[n] = q


@kernel
def _sizes(error: Float) -> tuple[float, float]:
    """Distance and angle of an error, (6,)."""
    return (
        sqrt(error[0] ** 2 + error[1] ** 2 + error[2] ** 2),
        sqrt(error[3] ** 2 + error[4] ** 2 + error[5] ** 2),
    )


@kernel
def _difference(wanted: Float, pose: Float, error: Float) -> None:
    """(6,) from ``pose`` to ``wanted``, (3, 4) both: a translation, m, and a rotation vector, rad."""
    for i in range(3):
        error[i] = wanted[i, 3] - pose[i, 3]
    trace = 0.0
    turn = np.empty((3, 3))
    for i in range(3):
        for k in range(3):
            turn[i, k] = wanted[i, 0] * pose[k, 0] + wanted[i, 1] * pose[k, 1] + wanted[i, 2] * pose[k, 2]
        trace += turn[i, i]
    x, y, z = turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]
    sine = sqrt(x * x + y * y + z * z)
    angle = atan2(sine, trace - 1.0)
    if sine > 1e-9:
        scale = angle / sine
        error[3], error[4], error[5] = scale * x, scale * y, scale * z
        return
    error[3] = error[4] = error[5] = 0.0
    if trace < 0.0:  # half a turn: about the axis that the matrix keeps
        axis = 0
        for i in range(1, 3):
            if turn[i, i] > turn[axis, axis]:
                axis = i
        norm = sqrt(max(2.0 * (1.0 + turn[axis, axis]), 1e-12))
        for i in range(3):
            error[3 + i] = angle * (turn[i, axis] + (1.0 if i == axis else 0.0)) / norm


@kernel
def _factor(jacobian: Float, free: Float, damping: float, square: Float) -> float:
    """Cholesky factor of J Jᵀ + damping² (lower part of ``square``); the root of its determinant."""
    dof = jacobian.shape[1]
    root = 1.0
    for i in range(6):
        for k in range(i + 1):
            total = damping * damping if i == k else 0.0
            for j in range(dof):
                total += free[j] * jacobian[i, j] * jacobian[k, j]
            for m in range(k):
                total -= square[i, m] * square[k, m]
            square[i, k] = sqrt(max(total, 1e-30)) if i == k else total / square[k, k]
        root *= square[i, i]
    return root


@kernel
def _least(
    jacobian: Float,
    error: Float,
    free: Float,
    q: Float,
    rest: Float,
    square: Float,
    half: Float,
    own: Float,
    step: Float,
) -> None:
    """The smallest ``step`` of the free joints that takes ``error`` away, with a little towards ``rest``."""
    dof = len(q)
    damping = _LEAST
    root = _factor(jacobian, free, damping, square)
    if root < SINGULAR:
        damping = _LEAST + _MOST * (1.0 - root / SINGULAR) ** 2
        _factor(jacobian, free, damping, square)
    for j in range(dof):
        own[j] = free[j] * _HOME * (rest[j] - q[j])
    for i in range(6):
        half[i] = error[i]
        for j in range(dof):
            half[i] -= jacobian[i, j] * own[j]
        for m in range(i):
            half[i] -= square[i, m] * half[m]
        half[i] /= square[i, i]
    for i in range(5, -1, -1):
        for m in range(i + 1, 6):
            half[i] -= square[m, i] * half[m]
        half[i] /= square[i, i]
    for j in range(dof):
        total = own[j]
        for i in range(6):
            total += free[j] * jacobian[i, j] * half[i]
        step[j] = total
