"""Franka Research 3 with the Franka Hand: what Franka publishes; SI units, arrays of 7 in joint order."""

from __future__ import annotations

import numpy as np

from sag_ros.robots.arm import Arm, Bringup, Gripper
from sag_ros.robots.chain import Chain
from sag_ros.robots.limits import JointLimits, VelocityEnvelope
from sag_ros.values import Float, frozen

_QUARTER = 0.5 * np.pi
_DIAGONAL = np.sqrt(0.5)


def _array(*values: float) -> Float:
    return frozen(np.array(values))


ARM = Arm(
    name="fr3",
    joints=tuple(f"fr3_joint{i}" for i in range(1, 8)),
    home=_array(0.0, -0.7853982, 0.0, -2.3561945, 0.0, 1.5707963, 0.7853982),
    limits=JointLimits(
        lower=_array(-2.7437, -1.7837, -2.9007, -3.0421, -2.8065, 0.5445, -3.0159),
        upper=_array(2.7437, 1.7837, 2.9007, -0.1518, 2.8065, 4.5169, 3.0159),
        velocity=_array(2.62, 2.62, 2.62, 2.62, 5.26, 4.18, 5.26),
        acceleration=frozen(np.full(7, 10.0)),
        jerk=frozen(np.full(7, 5000.0)),
        envelope=VelocityEnvelope(
            c=_array(0.30, 0.20, 0.20, 0.30, 0.35, 0.35, 0.35),
            g=_array(12.0, 5.17, 7.00, 8.00, 34.0, 11.0, 34.0),
            lower=_array(-2.75010, -1.79180, -2.90650, -3.04810, -2.81010, 0.54092, -3.01960),
            upper=_array(2.75010, 1.79180, 2.90650, -0.1458, 2.81010, 4.52050, 3.01960),
        ),
    ),
    grippers=(
        Gripper(
            joints=("fr3_finger_joint1", "fr3_finger_joint2"),
            width_max=0.08,
            speed_max=0.1,
            force_continuous=70.0,
            force_max=140.0,
        ),
    ),
    model="fr3.xml",
    controller="fr3_arm_controller",
    # Riding the published envelope of joints 5 and 7 takes up to 17 rad/s^2, more than the arm may decelerate
    # with.
    guard_deceleration=7.0,
    overshoot=0.1,
    envelope_tolerance=0.001,
    chain=Chain(
        offsets=frozen(
            np.array(
                (
                    (0.0, 0.0, 0.333),
                    (0.0, 0.0, 0.0),
                    (0.0, -0.316, 0.0),
                    (0.0825, 0.0, 0.0),
                    (-0.0825, 0.384, 0.0),
                    (0.0, 0.0, 0.0),
                    (0.088, 0.0, 0.0),
                )
            )
        ),
        rolls=_array(0.0, -_QUARTER, _QUARTER, _QUARTER, -_QUARTER, _QUARTER, _QUARTER),
        # The last joint (where the emulated robot measures), the flange, and between the fingers.
        tips=frozen(np.array(((0.0, 0.0, 0.0), (0.0, 0.0, 0.107), (0.0, 0.0, 0.107 + 0.1034)))),
        # The hand is turned by -45 degrees against the flange.
        tool=frozen(
            np.array(
                (
                    (_DIAGONAL, _DIAGONAL, 0.0, 0.0),
                    (-_DIAGONAL, _DIAGONAL, 0.0, 0.0),
                    (0.0, 0.0, 1.0, 0.107 + 0.1034),
                )
            )
        ),
    ),
    tip_speed=3.0,
    bringup=Bringup(
        package="franka_bringup",
        launch_file="franka.launch.py",
        arguments={
            "robot_type": "fr3",
            "robot_ip": "{robot_ip}",
            "load_gripper": "true",
            "controllers_yaml": "{config}/fr3_controllers.yaml",
        },
    ),
)
