"""Arms by name: every file of this folder that describes one is found."""

from __future__ import annotations

from collections.abc import Sequence

from sag_ros.declared import declared
from sag_ros.robots.arm import Arm

ARMS: dict[str, Arm] = {arm.name: arm for arm in declared("sag_ros.robots", "ARM")}


def find_arm(name: str) -> Arm:
    """The arm called ``name``.

    Raises:
        ValueError: there is none; the message lists those that exist.
    """
    if name not in ARMS:
        raise ValueError(f"arm {name!r} does not exist; available: {', '.join(ARMS)}")
    return ARMS[name]


def require_joints(arm: Arm, joints: Sequence[str]) -> None:
    """Raise ValueError unless ``joints`` are those of ``arm``, in its order."""
    if tuple(joints) != arm.joints:
        fitting = [name for name, other in ARMS.items() if other.joints == tuple(joints)]
        remedy = f"set arm: {fitting[0]}" if fitting else f"describe its arm (available: {', '.join(ARMS)})"
        raise ValueError(
            f"the policy moves {', '.join(joints)}; arm {arm.name!r} has {', '.join(arm.joints)}; {remedy}"
        )
