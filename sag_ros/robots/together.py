"""Several arms that one policy moves, as one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace

import numpy as np

from sag_ros.robots.arm import Arm
from sag_ros.robots.limits import JointLimits, VelocityEnvelope
from sag_ros.values import Float, frozen


def together(name: str, arms: Sequence[tuple[str, Arm]]) -> Arm:
    """One description of several arms: their joints behind each other, each within its own limits.

    Args:
        name: of all of them.
        arms: prefix of the names of its joints and fingers, and arm, in the order of the joints.

    Raises:
        ValueError: fewer than two, or two joints of one name.
    """
    if len(arms) < 2:
        raise ValueError(f"{name!r} names {len(arms)} arm; several are put together, as left_fr3+right_fr3")
    members = tuple(_prefixed(arm, prefix) for prefix, arm in arms)
    joints = tuple(joint for arm in members for joint in arm.joints)
    if len(set(joints)) < len(joints):
        twice = next(joint for joint in joints if joints.count(joint) > 1)
        raise ValueError(f"joint {twice!r} of {name!r} is there twice; give the arms different prefixes")
    return Arm(
        name=name,
        joints=joints,
        home=_joined(arm.home for arm in members),
        limits=_limits(members),
        grippers=tuple(gripper for arm in members for gripper in arm.grippers),
        model="",
        controller="",
        guard_deceleration=min(arm.guard_deceleration for arm in members),
        overshoot=max(arm.overshoot for arm in members),
        envelope_tolerance=min(arm.envelope_tolerance for arm in members),
        members=members,
    )


def _prefixed(arm: Arm, prefix: str) -> Arm:
    grippers = tuple(
        replace(gripper, joints=tuple(prefix + joint for joint in gripper.joints)) for gripper in arm.grippers
    )
    joints = tuple(prefix + joint for joint in arm.joints)
    return replace(arm, name=prefix + arm.name, joints=joints, grippers=grippers)


def _joined(parts: Iterable[Float]) -> Float:
    return frozen(np.concatenate(list(parts)))


def _limits(members: tuple[Arm, ...]) -> JointLimits:
    limits = [arm.limits for arm in members]
    names = [field.name for field in fields(JointLimits) if field.name != "envelope"]
    plain = {name: _joined(getattr(one, name) for one in limits) for name in names}
    envelope = {
        field.name: _joined(getattr(one.envelope, field.name) for one in limits)
        for field in fields(VelocityEnvelope)
    }
    return JointLimits(**plain, envelope=VelocityEnvelope(**envelope))
