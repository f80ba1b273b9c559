"""Universal Robots UR5e with a Robotiq-like parallel gripper; SI units, arrays of 6 in joint order.

Poses are in the frame that the controller calls base: there the arm at zero lies along -x. Kinematics, ranges
and speeds are those that Universal Robots publish; of acceleration and jerk they publish no bounds.
"""

from __future__ import annotations

import numpy as np

from sag_ros.robots.arm import Arm, Gripper
from sag_ros.robots.chain import Chain
from sag_ros.robots.limits import JointLimits, VelocityEnvelope
from sag_ros.values import Float, frozen

_QUARTER, _TURN = 0.5 * np.pi, 2.0 * np.pi
_TOOL = 0.0996 + 0.1628  # m: the flange, and the closed fingers


def _array(*values: float) -> Float:
    return frozen(np.array(values))


_LOWER = _array(-_TURN, -_TURN, -np.pi, -_TURN, -_TURN, -_TURN)
_UPPER = frozen(-_LOWER)
_DECELERATION = 7.0  # rad/s^2

ARM = Arm(
    name="ur5e",
    joints=(
        "shoulder_pan_joint",
        "shoulder_lift_joint",
        "elbow_joint",
        "wrist_1_joint",
        "wrist_2_joint",
        "wrist_3_joint",
    ),
    # The tool above the middle of a table in front, pointing down.
    home=_array(2.8186, -1.7601, 1.4957, -1.3064, -1.5708, -1.8938),
    limits=JointLimits(
        lower=_LOWER,
        upper=_UPPER,
        velocity=frozen(np.full(6, np.pi)),
        acceleration=frozen(np.full(6, 10.0)),
        jerk=frozen(np.full(6, 1000.0)),
        envelope=VelocityEnvelope.braking(_LOWER, _UPPER, frozen(np.full(6, _DECELERATION))),
    ),
    grippers=(
        Gripper(
            joints=("left_finger_joint", "right_finger_joint"),
            width_max=0.085,
            speed_max=0.15,
            force_continuous=125.0,
            force_max=235.0,
        ),
    ),
    model="ur5e.xml",
    controller="scaled_joint_trajectory_controller",
    guard_deceleration=_DECELERATION,
    chain=Chain(
        offsets=frozen(
            np.array(
                (
                    (0.0, 0.0, 0.0),
                    (0.0, 0.0, 0.1625),
                    (-0.425, 0.0, 0.0),
                    (-0.3922, 0.0, 0.0),
                    (0.0, 0.0, 0.1333),
                    (0.0, 0.0, 0.0997),
                )
            )
        ),
        rolls=_array(0.0, _QUARTER, 0.0, 0.0, _QUARTER, -_QUARTER),
        tips=frozen(np.array(((0.0, 0.0, 0.0996), (0.0, 0.0, _TOOL)))),
        tool=frozen(np.column_stack((np.eye(3), (0.0, 0.0, _TOOL)))),
    ),
)
