"""Arms by name: every file of this folder that describes one is found."""

from __future__ import annotations

from collections.abc import Sequence

from sag_ros.declared import declared
from sag_ros.robots.arm import Arm
from sag_ros.robots.together import together

ARMS: dict[str, Arm] = {arm.name: arm for arm in declared("sag_ros.robots", "ARM")}


def find_arm(name: str) -> Arm:
    """The arm called ``name``, or several: ``left_fr3+right_fr3``, each with a prefix of its own.

    Raises:
        ValueError: there is none; the message lists those that exist.
    """
    if "+" in name:
        return together(name, [_prefix(part) for part in name.split("+")])
    if name not in ARMS:
        raise ValueError(f"arm {name!r} does not exist; available: {', '.join(ARMS)}")
    return ARMS[name]


def _prefix(name: str) -> tuple[str, Arm]:
    """``left_fr3`` -> ``left_`` and the arm."""
    for known, arm in ARMS.items():
        if name.endswith(known):
            return name.removesuffix(known), arm
    raise ValueError(f"{name!r} is no arm with a prefix; as left_{next(iter(ARMS))} of: {', '.join(ARMS)}")


def arm_of(joints: Sequence[str]) -> Arm:
    """The arm that has ``joints``, in this order; raises ValueError where there is none."""
    for arm in ARMS.values():
        if arm.joints == tuple(joints):
            return arm
    raise ValueError(f"no arm has the joints {', '.join(joints)}; available: {', '.join(ARMS)}")


def require_joints(arm: Arm, joints: Sequence[str]) -> None:
    """Raise ValueError unless ``joints`` are those of ``arm``, in its order."""
    if tuple(joints) != arm.joints:
        fitting = [name for name, other in ARMS.items() if other.joints == tuple(joints)]
        remedy = f"set arm: {fitting[0]}" if fitting else f"describe its arm (available: {', '.join(ARMS)})"
        raise ValueError(
            f"the policy moves {', '.join(joints)}; arm {arm.name!r} has {', '.join(arm.joints)}; {remedy}"
        )
