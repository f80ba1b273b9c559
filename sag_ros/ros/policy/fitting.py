"""Whether a policy fits the cameras, signals, arm and hand that are configured."""

from __future__ import annotations

from sag_ros.policy.contract import Contract
from sag_ros.robots.registry import find_arm, require_joints
from sag_ros.ros.policy.settings import gripper_settings
from sag_ros.ros.policy.signals.fields import FieldReader
from sag_ros.ros.schema import PolicyNode


class Refused(ValueError):
    """Why this policy does not run here; for a person."""


class Imprecise(Refused):
    """Computed in fewer bits, this policy is another one; in float32 it may run."""


def check_contract(contract: Contract, config: PolicyNode) -> None:
    """Raise Refused unless the policy fits the configured cameras, arm and gripper."""
    if contract.commands_setpoints:
        raise Refused(
            f"the policy gives setpoints for the controller of the benchmark '{contract.task}', which no arm "
            f"here has. It is played by: sag bench tasks --task {contract.task} --bundle FOLDER"
        )
    wanted, given = list(contract.cameras), list(config.cameras)
    if not wanted and config.cameras == type(config).model_fields["cameras"].default:
        given = []  # nobody asked for them
    for name in wanted:
        if name not in given:
            raise Refused(
                f"the policy needs camera '{name}' (all: {', '.join(wanted)}); "
                f"configured are {', '.join(given)}. Set cameras.{name}.topic"
            )
    for name in given:
        if name not in wanted:
            known = ", ".join(wanted) or "none"
            raise Refused(f"camera '{name}' is configured, the policy knows {known}. Remove cameras.{name}")
    _check_signals(contract, config)
    lasts = contract.action_steps * contract.control_period
    if 0.0 < config.splice.delay >= lasts - contract.control_period:
        raise Refused(
            f"splice.delay is {config.splice.delay:g} s; a chunk of this policy lasts {lasts:g} s, and its "
            "last period is too little to follow. Take less"
        )
    try:
        arm = find_arm(config.arm)
        require_joints(arm, contract.joints)
        if contract.grippers != 1 or len(arm.grippers) != 1:
            raise ValueError(
                f"the policy commands {contract.grippers} grippers, '{arm.name}' has {len(arm.grippers)}; "
                "this node commands one. In Python, sag_ros.control moves several arms"
            )
        gripper_settings(config).require_possible(arm.gripper)
        if arm.chain is None and (contract.commands_poses or contract.observes_poses):
            raise ValueError(
                f"the policy knows poses of the tool centre point; of arm '{arm.name}' no chain is known"
            )
    except ValueError as error:
        raise Refused(str(error)) from None


def _check_signals(contract: Contract, config: PolicyNode) -> None:
    for name, one in contract.signals.items():
        if name not in config.signals:
            raise Refused(
                f"the policy observes signal '{name}' ({one.size} numbers{one.unit and ', ' + one.unit}); "
                f"set signals.{name}.topic, .type and .fields"
            )
        given = config.signals[name]
        try:
            FieldReader(given.type, given.fields, one.size, given.scale)
        except ValueError as error:
            raise Refused(f"signals.{name}: {error}") from None
    for name in config.signals:
        if name not in contract.signals:
            known = ", ".join(contract.signals) or "none"
            raise Refused(f"signal '{name}' is configured, the policy knows {known}. Remove signals.{name}")
