"""From the parameters of the node to the settings of supervisor and gripper."""

from __future__ import annotations

from sag_ros.control.gripper import GripperSettings
from sag_ros.control.splice import SpliceSettings
from sag_ros.control.states import SupervisorSettings
from sag_ros.ros.schema import PolicyNode


def supervisor_settings(config: PolicyNode) -> SupervisorSettings:
    """The part of the configuration that the supervisor works with."""
    return SupervisorSettings(
        observation_age=config.watchdog.observation,
        joint_state_age=config.watchdog.joint_state,
        camera_age=config.watchdog.camera,
        signal_age=config.watchdog.signal,
        deadline=config.deadline,
        tracking_error=config.limits.tracking_error,
        tracking_lag=config.limits.tracking_lag,
        resume_error=config.limits.resume_error,
        rest_error=config.limits.rest_error,
        command_error=config.limits.command_error,
        command_lag=config.limits.command_lag,
        limit_factor=config.limits.factor,
        position_margin=config.limits.position_margin,
        home_speed=config.operator.home_speed,
        splice=SpliceSettings(**config.splice.model_dump()),
    )


def gripper_settings(config: PolicyNode) -> GripperSettings:
    """The part of the configuration that the gripper works with."""
    return GripperSettings(**config.gripper.model_dump(exclude={"joints"}))
