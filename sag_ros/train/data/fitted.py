"""Demonstrations in the terms of a policy: the state that it observes, the actions that it predicts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from sag_ros.data.demonstrations import Demonstrations, StoreError
from sag_ros.policy.contract import Contract
from sag_ros.policy.meanings import Rotation
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.robots.registry import arm_of
from sag_ros.train.data.poses import JOINTS, POSES, PoseDemonstrations
from sag_ros.train.data.signals import SignalDemonstrations
from sag_ros.train.data.terms import terms_of


def fitted(contract: Contract, data: Path, episodes: int | None = None) -> Demonstrations:
    """The demonstrations ``data``, which hold joint positions and the gripper width, for a policy.

    Args:
        episodes: only the first so many; None = all.

    Raises:
        StoreError: demonstrations of other joints, cameras or rate, or actions that cannot be made of them.
    """
    found = Demonstrations(data, episodes)
    _require_alike(contract, found, data)
    terms = found.attributes.get("terms")
    if terms is not None:  # it was made for a policy
        if terms != terms_of(contract):
            raise StoreError(f"{data} has states and actions of another policy; convert it for this one")
        return found
    signals = list(contract.signals)
    state = [part for part in contract.state if part not in signals]
    if signals and list(contract.state) != [*state, *signals]:
        raise StoreError(f"{data}: signals come last in a state; the policy's is {', '.join(contract.state)}")
    return composed(found, _rotation(contract, state, data), state == POSES, signals)


def composed(
    found: Demonstrations, rotation: Rotation | None, observed: bool, signals: Sequence[str]
) -> Demonstrations:
    """Recorded joints as a policy has them.

    Args:
        rotation: how actions, which are poses then, give it; None: they are joints.
        observed: whether the state is a pose, too.
        signals: places behind the state.

    Raises:
        ValueError: an arm whose chain is not known, or a place that was not recorded.
    """
    made: Any = found
    if rotation is not None:
        arm = arm_of(found.attributes.get("joints", FR3.joints))
        made = PoseDemonstrations(found, arm, rotation, observed)
    # The reader and these have the same attributes.
    return cast(Demonstrations, SignalDemonstrations(made, signals) if signals else made)


def _rotation(contract: Contract, state: list[str], data: Path) -> Rotation | None:
    """Of actions that are poses; None for joints. Raises StoreError for what is neither."""
    if not contract.commands_poses and state == JOINTS and contract.action[0].meaning == "joint_position":
        return None
    tcp = contract.tcp
    relative = tcp is not None and (tcp.relative != "no" or tcp.base is not None or tcp.tool is not None)
    if not contract.commands_poses or relative or state not in (JOINTS, POSES):
        kind = f"{'relative or moved ' if relative else ''}{contract.action[0].meaning}"
        wanted = f"{kind} with state {', '.join(state)}"
        raise StoreError(
            f"{data} holds absolute joint positions; of them are not made {wanted}. Understood "
            "are joint_position, and absolute poses of the tool centre point"
        )
    assert tcp is not None  # poses have one
    return tcp.rotation


def _require_alike(contract: Contract, found: Demonstrations, data: Path) -> None:
    joints = list(found.attributes.get("joints", FR3.joints))
    if joints != list(contract.joints):
        raise StoreError(f"{data} is of the joints {', '.join(joints)}; the policy moves {contract.joints}")
    period = float(found.attributes["period"])
    if abs(period - contract.control_period) > 1e-6:
        raise StoreError(
            f"{data} has an action every {period:g} s; the policy gives one every "
            f"{contract.control_period:g} s. Record or convert demonstrations of that rate"
        )
    if contract.binary_gripper is not None and "terms" not in found.attributes:
        raise StoreError(f"{data} holds gripper widths; the policy's gripper is open or closed")
    for name, size in contract.cameras.items():
        if name not in found.cameras:
            raise StoreError(f"{data} has no camera {name}; there is {', '.join(found.cameras)}")
        if found.frame_size(name) != (size.height, size.width):
            height, width = found.frame_size(name)
            raise StoreError(
                f"{data}: camera {name} is {height} x {width}; the policy sees {size.height} x {size.width}"
            )
