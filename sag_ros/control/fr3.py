"""Limits of the Franka Research 3, published by Franka; SI units, arrays of 7 in joint order."""

from __future__ import annotations

import numpy as np

from sag_ros.control.limits import Limits
from sag_ros.values import Float, frozen

JOINTS = tuple(f"fr3_joint{i}" for i in range(1, 8))
HOME = frozen(np.array([0.0, -0.7853982, 0.0, -2.3561945, 0.0, 1.5707963, 0.7853982]))

POSITION_LOWER = frozen(np.array([-2.7437, -1.7837, -2.9007, -3.0421, -2.8065, 0.5445, -3.0159]))
POSITION_UPPER = frozen(np.array([2.7437, 1.7837, 2.9007, -0.1518, 2.8065, 4.5169, 3.0159]))
VELOCITY_MAX = frozen(np.array([2.62, 2.62, 2.62, 2.62, 5.26, 4.18, 5.26]))
ACCELERATION_MAX = frozen(np.full(7, 10.0))
JERK_MAX = frozen(np.full(7, 5000.0))

# The velocity envelope: |v| <= -c + sqrt(g * distance to the bound).
ENVELOPE_C = frozen(np.array([0.30, 0.20, 0.20, 0.30, 0.35, 0.35, 0.35]))
ENVELOPE_G = frozen(np.array([12.0, 5.17, 7.00, 8.00, 34.0, 11.0, 34.0]))
ENVELOPE_HI = frozen(np.array([2.75010, 1.79180, 2.90650, -0.1458, 2.81010, 4.52050, 3.01960]))
ENVELOPE_LO = frozen(np.array([-2.75010, -1.79180, -2.90650, -3.04810, -2.81010, 0.54092, -3.01960]))
ENVELOPE_TOLERANCE = 0.001

GRIPPER_WIDTH_MAX = 0.08
GRIPPER_FORCE_CONTINUOUS = 70.0
GRIPPER_FORCE_MAX = 140.0
GRIPPER_SPEED_MAX = 0.1


HARD_LIMITS = Limits(
    lower=POSITION_LOWER,
    upper=POSITION_UPPER,
    velocity=VELOCITY_MAX,
    acceleration=ACCELERATION_MAX,
    jerk=JERK_MAX,
    envelope_c=ENVELOPE_C,
    envelope_g=ENVELOPE_G,
    envelope_hi=ENVELOPE_HI,
    envelope_lo=ENVELOPE_LO,
)


def velocity_bounds(position: Float) -> tuple[Float, Float]:
    """The position-dependent velocity limits that the FR3 enforces.

    Args:
        position: (..., 7), rad.

    Returns:
        lower and upper bound, each (..., 7), rad/s; lower <= 0 <= upper.
    """
    return HARD_LIMITS.velocity_bounds(position)


def guard_limits(factor: float = 0.95, position_margin: float = 0.005) -> Limits:
    """What the guard keeps to: inside the hard limits, and such that the arm can always still brake.

    Riding the published envelope of joints 5 and 7 takes up to 17 rad/s^2, more than the arm may
    decelerate with; here no joint needs more than 7.
    """
    return HARD_LIMITS.scaled(factor, position_margin, envelope_slope=7.0)
