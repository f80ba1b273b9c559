"""Whether a motion keeps the limits of an arm, and the independent check of a command."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from sag_ros.control.motion import Motion, of_command
from sag_ros.robots.limits import JointLimits
from sag_ros.values import Float, JointCommand, Violation, frozen

_UNITS = {"position": "rad", "velocity": "rad/s", "acceleration": "rad/s^2", "jerk": "rad/s^3"}
_POWERS = np.arange(6.0)
_REST_SPEED = 1e-4  # rad/s, allowed everywhere: at its tips the envelope is 0 and rest must not break it


def broken(
    motion: Motion, limits: JointLimits, allow: Float | None = None, tolerance: float = 0.0
) -> np.ndarray:
    """(M, J) bool: the pieces of a motion that break a limit; as :func:`violations` reports them.

    Args:
        allow: (J,) a position that is no violation even if it lies outside: an arm that is already
            outside must be able to come back.
        tolerance: slack, relative for acceleration and jerk, else in SI units.
    """
    q, v, a, j = _evaluate(motion, 5)
    down, up = limits.velocity_bounds(q)
    lower, upper = _positions(limits, allow)
    slack = _REST_SPEED + tolerance
    out = (v > up + slack) | (v < down - slack) | (q > upper + tolerance) | (q < lower - tolerance)
    out |= np.abs(a) > limits.acceleration * (1.0 + tolerance)
    out |= np.abs(j) > limits.jerk * (1.0 + tolerance)
    found: np.ndarray = out.any(axis=0)
    return found


def violations(
    motion: Motion,
    limits: JointLimits,
    done: str,
    points: int = 5,
    allow: Float | None = None,
    tolerance: float = 0.0,
) -> list[Violation]:
    """The worst break of each limit by each joint; ``done`` says what was done about it.

    Every piece is compared at ``points`` places from border to border; see :func:`broken` for the rest.
    """
    joints = motion.coefficients.shape[2]
    q, v, a, j = _evaluate(motion, points).reshape(4, -1, joints)
    down, up = limits.velocity_bounds(q)
    lower, upper = _positions(limits, allow)
    speed = np.where(v > 0.0, up, -down) + _REST_SPEED
    side = np.where(q - upper > lower - q, upper, lower)
    every = np.arange(joints)
    found = []
    for kind, value, bound, over in (
        ("position", q, side, np.maximum(q - upper, lower - q)),
        ("velocity", v, speed, np.abs(v) - speed),
        ("acceleration", a, limits.acceleration, np.abs(a) / limits.acceleration - 1.0),
        ("jerk", j, limits.jerk, np.abs(j) / limits.jerk - 1.0),
    ):
        worst = over.argmax(axis=0)
        for joint in np.flatnonzero(over[worst, every] > tolerance).tolist():
            sample = worst[joint]
            reached = float(value[sample, joint])
            allowed = float(bound[sample, joint] if bound.ndim == 2 else bound[joint])
            if kind != "position":
                allowed = float(np.copysign(allowed, reached))
            text = f"joint {joint + 1}: {kind} {reached:.4g} beyond {allowed:.4g} {_UNITS[kind]}; {done}"
            found.append(Violation(kind, joint, reached, allowed, text))
    return found


def _positions(limits: JointLimits, allow: Float | None) -> tuple[Float, Float]:
    if allow is None:
        return limits.lower, limits.upper
    return np.minimum(limits.lower, allow), np.maximum(limits.upper, allow)


def _evaluate(motion: Motion, points: int) -> Float:
    """(4, points, M, J): position, velocity, acceleration, jerk within every piece, border to border."""
    h = np.diff(motion.times)[:, None]
    pieces, joints = len(h), motion.coefficients.shape[2]
    normal = motion.coefficients * (h**_POWERS)[:, :, None]
    flat = normal.transpose(1, 0, 2).reshape(6, pieces * joints)
    out: Float = (_derivatives(points) @ flat).reshape(4, points, pieces, joints)
    out[1] /= h
    out[2] /= h * h
    out[3] /= h * h * h
    return out


@lru_cache(maxsize=8)
def _derivatives(points: int) -> Float:
    """(4 * points, 6): the powers 0..5 of ``points`` places in [0, 1] and their derivatives."""
    u = np.linspace(0.0, 1.0, points)
    return frozen(np.concatenate([_basis(u, order) for order in range(4)]))


def _basis(u: Float, order: int) -> Float:
    """(P, 6) derivative of order ``order`` of the powers 0..5 at (P,) ``u``."""
    factor = np.ones(6)
    for i in range(order):
        factor *= np.maximum(_POWERS - i, 0.0)
    basis: Float = factor * u[:, None] ** np.maximum(_POWERS - order, 0.0)
    return basis


def check(command: JointCommand, limits: JointLimits, tolerance: float = 1e-3) -> list[Violation]:
    """The limits that a command breaks as the trajectory controller will execute it.

    Independent of the guard: the motion is evaluated at 11 places between every two samples.

    Args:
        tolerance: slack, relative for acceleration and jerk, else in SI units.
    """
    if not all(
        np.isfinite(x).all() for x in (command.time, command.position, command.velocity, command.acceleration)
    ):
        return [Violation("non_finite", -1, np.nan, 0.0, "the command contains values that are not finite")]
    return violations(of_command(command), limits, "seen by the monitor", points=11, tolerance=tolerance)
