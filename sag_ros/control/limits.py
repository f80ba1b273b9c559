"""Whether a motion keeps the limits of an arm, and the independent check of a command."""

from __future__ import annotations

import numpy as np

from sag_ros.control.excess import BOUND, KINDS, OVER, VALUE, breaks, table, worst
from sag_ros.control.motion import Motion, of_command
from sag_ros.robots.limits import JointLimits
from sag_ros.values import Float, JointCommand, Violation

_UNITS = ("rad", "rad/s", "rad/s^2", "rad/s^3")
# rad, rad/s: rounding; at its tips the envelope is 0 and rest must not break it.
_ROUNDING = 1e-7


def broken(
    motion: Motion,
    limits: JointLimits,
    allow: Float | None = None,
    tolerance: float = 0.0,
    fine: bool = False,
) -> np.ndarray:
    """(M, J) bool: the pieces of a motion that break a limit; as :func:`violations` reports them.

    Args:
        allow: (J,) a position that is no violation even if it lies outside: an arm that is already
            outside must be able to come back.
        tolerance: slack, relative for acceleration and jerk, else in SI units.
        fine: look eight times as often where a velocity comes close to its bound: between five places in
            10 ms it can bend away by up to 4e-3 rad/s.
    """
    return _broken(motion, limits, 5, allow, tolerance, fine)


def violations(
    motion: Motion,
    limits: JointLimits,
    done: str,
    points: int = 5,
    allow: Float | None = None,
    tolerance: float = 0.0,
    pieces: np.ndarray | None = None,
) -> list[Violation]:
    """The worst break of each limit by each joint; ``done`` says what was done about it.

    Positions and velocities are compared at ``points`` places of every piece; see :func:`broken`.
    ``pieces``: (P,) the ones that are looked at, where it is known already which break a limit.
    """
    if pieces is None:
        pieces = np.flatnonzero(_broken(motion, limits, points, allow, tolerance, False).any(axis=1))
    excess = np.empty((motion.coefficients.shape[2], len(KINDS), 3))
    worst(motion.times, motion.coefficients, table(limits, allow), points, _ROUNDING, pieces, excess)
    found = []
    for kind, joint in np.argwhere(tolerance < excess[:, :, OVER].T).tolist():
        reached, allowed = float(excess[joint, kind, VALUE]), float(excess[joint, kind, BOUND])
        if kind:
            allowed = float(np.copysign(allowed, reached))
        text = f"joint {joint + 1}: {KINDS[kind]} {reached:.4g} beyond {allowed:.4g} {_UNITS[kind]}; {done}"
        found.append(Violation(KINDS[kind], joint, reached, allowed, text))
    return found


def _broken(
    motion: Motion, limits: JointLimits, points: int, allow: Float | None, tolerance: float, fine: bool
) -> np.ndarray:
    pieces, _, joints = motion.coefficients.shape
    out = np.empty((pieces, joints), dtype=np.bool_)
    rows = table(limits, allow)
    breaks(motion.times, motion.coefficients, rows, points, fine, _ROUNDING, tolerance, out)
    return out


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
