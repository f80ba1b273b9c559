"""What the numbers of a policy's state and actions mean, and which go together. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

# Joints: where to be; how far from where the joint is in the newest observation; how far from the action
# before, the first from that one.
JOINT_MEANINGS = ("joint_position", "joint_offset", "joint_step")
# The tool centre point; TcpSpec says what a rotation looks like and what both are relative to.
TCP_MEANINGS = ("tcp_position", "tcp_rotation")
GRIPPER_MEANINGS = ("gripper_width", "gripper_binary")
# What the controller of a benchmark takes, in its order and units; no arm that is known here is moved by it.
SETPOINT = "setpoint"
UNITS = {
    **dict.fromkeys(JOINT_MEANINGS, "rad"), "tcp_position": "m", "gripper_width": "m", "gripper_binary": "1",
}  # fmt: skip
# How many numbers a rotation has. Six: the first two rows or columns of its matrix.
ROTATIONS = {"sixd_rows": 6, "sixd_columns": 6, "quaternion_xyzw": 4, "quaternion_wxyz": 4, "axis_angle": 3}

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=64)]
StatePart = Literal["joint_position", "tcp_position", "tcp_rotation", "gripper_width", "gripper_fingers"]
Rotation = Literal["sixd_rows", "sixd_columns", "quaternion_xyzw", "quaternion_wxyz", "axis_angle"]


class Section(BaseModel):
    """Base of all sections: frozen, no unknown keys, no silent conversions."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ActionSpec(Section):
    """One action dimension."""

    name: Name
    meaning: Literal[
        "joint_position", "joint_offset", "joint_step", "tcp_position", "tcp_rotation",
        "gripper_width", "gripper_binary", "setpoint",
    ]  # fmt: skip
    unit: Literal["rad", "m", "1"]


class Placement(Section):
    """Where a frame is in another one: translation, m, and rotation, a quaternion x, y, z, w."""

    translation: Annotated[list[float], Field(min_length=3, max_length=3)] = Field(default=[0.0, 0.0, 0.0])
    rotation: Annotated[list[float], Field(min_length=4, max_length=4)] = Field(default=[0.0, 0.0, 0.0, 1.0])

    @model_validator(mode="after")
    def _unit(self) -> Placement:
        length = sum(value * value for value in self.rotation) ** 0.5
        if not abs(length - 1.0) < 1e-3:
            remedy = "give a quaternion x, y, z, w of length 1"
            raise inconsistent("tcp.base or tcp.tool: rotation", self.rotation, "a unit quaternion", remedy)
        return self


class TcpSpec(Section):
    """How poses of the tool centre point are given, in states and in actions.

    ``relative``: actions are poses in the base frame (``no``), or lead away from the pose of the newest
    observation (``observed``), or each from the one before (``step``); ``frame``: along whose axes then.
    ``base``: where the base frame of the policy is in that of the arm; ``tool``: where its tool frame is in
    that of the arm; null where they are the same.
    States are in the base frame; their rotations are given as in actions, or as ``state_rotation`` says.
    """

    rotation: Rotation
    state_rotation: Rotation | None = None
    relative: Literal["no", "observed", "step"] = "no"
    frame: Literal["base", "tool"] = "base"
    base: Placement | None = None
    tool: Placement | None = None

    @property
    def rotation_dim(self) -> int:
        """How many numbers a rotation has in an action."""
        return ROTATIONS[self.rotation]

    @property
    def observed_as(self) -> Rotation:
        """How rotations are given in the state."""
        return self.state_rotation or self.rotation


def pose_actions(rotation: str) -> list[dict[str, str]]:
    """Actions of a policy that moves the tool centre point, without the gripper, as a contract lists them."""
    turn = {"meaning": "tcp_rotation", "unit": "rad" if rotation == "axis_angle" else "1"}
    return [
        *({"name": name, "meaning": "tcp_position", "unit": UNITS["tcp_position"]} for name in "xyz"),
        *({"name": f"r{i}", **turn} for i in range(ROTATIONS[rotation])),
    ]


class SignalSpec(Section):
    """An observation of any other topic: how many numbers it has, and their unit (of which the policy node's
    parameters have to know no more than where to find them)."""

    size: Annotated[int, Field(ge=1, le=4096)]
    unit: Annotated[str, Field(max_length=32)] = ""


class BinaryGripper(Section):
    """Which values of a gripper action mean open and closed (the nearer counts), and how wide that is, m."""

    open: Annotated[float, Field(allow_inf_nan=False)]
    closed: Annotated[float, Field(allow_inf_nan=False)]
    width_open: Annotated[float, Field(ge=0.0, le=1.0)]
    width_closed: Annotated[float, Field(ge=0.0, le=1.0)]


def inconsistent(key: str, value: object, allowed: str, remedy: str) -> PydanticCustomError:
    """What is raised where keys do not go together."""
    context = {"key": key, "value": value, "allowed": allowed, "remedy": remedy}
    return PydanticCustomError("inconsistent", "{key} does not fit the other keys", context)


def grippers(action: Sequence[ActionSpec]) -> int:
    """G, how many grippers the actions command: those behind the joints, or behind the pose."""
    return sum(one.meaning in GRIPPER_MEANINGS for one in action)


def check_actions(action: Sequence[ActionSpec], joints: Sequence[str], tcp: TcpSpec | None) -> None:
    """Raise unless the actions are all joints or a pose, then the gripper or grippers, in their units; or all
    of them the setpoints of a benchmark."""
    if action[0].meaning == SETPOINT:
        _check_setpoints(action)
        return
    poses = action[0].meaning in TCP_MEANINGS
    if poses:
        if tcp is None:
            remedy = "say how rotations are given, and what poses are relative to"
            raise inconsistent("tcp", None, "a mapping with rotation, relative, frame", remedy)
        expected = ["tcp_position"] * 3 + ["tcp_rotation"] * tcp.rotation_dim
        whole = f"a position (3), a rotation ({tcp.rotation_dim} for {tcp.rotation}) and the gripper"
    else:
        kind = action[0].meaning if action[0].meaning in JOINT_MEANINGS else JOINT_MEANINGS[0]
        expected = [kind] * len(joints)
        whole = f"the {len(joints)} joints and the gripper"
    hands = action[len(expected) :]
    if len(hands) != 1 and (poses or not hands or grippers(hands) < len(hands)):
        remedy = "list one action for each, then the gripper"
        raise inconsistent("action", f"{len(action)} dimensions", f"{len(expected) + 1}: {whole}", remedy)
    for i, (one, meaning) in enumerate(zip(action, expected, strict=False)):
        name = one.name if poses else joints[i]
        if (one.name, one.meaning) != (name, meaning):
            remedy = "list position and rotation in this order" if poses else "list the joints in their order"
            raise inconsistent(f"action.{i}", f"{one.name} ({one.meaning})", f"{name} ({meaning})", remedy)
    for i, one in enumerate(hands, len(expected)):
        if one.meaning not in GRIPPER_MEANINGS:
            remedy = "the gripper comes after the joints"
            allowed = " or ".join(GRIPPER_MEANINGS)
            raise inconsistent(f"action.{i}.meaning", one.meaning, allowed, remedy)
        if one.meaning != hands[0].meaning:
            remedy = "several grippers are commanded in one way"
            raise inconsistent(f"action.{i}.meaning", one.meaning, hands[0].meaning, remedy)
    if len({one.name for one in hands}) < len(hands):
        remedy = "name every gripper once, as left_gripper"
        raise inconsistent("action", [one.name for one in hands], "different names", remedy)
    for i, one in enumerate(action):
        unit = UNITS.get(one.meaning, "rad" if tcp is not None and tcp.rotation == "axis_angle" else "1")
        if one.unit != unit:
            raise inconsistent(f"action.{i}.unit", one.unit, unit, f"give {one.meaning} in {unit}")


def _check_setpoints(action: Sequence[ActionSpec]) -> None:
    for i, one in enumerate(action):
        if one.meaning != SETPOINT:
            remedy = "a benchmark's controller takes setpoints, all of them"
            raise inconsistent(f"action.{i}.meaning", one.meaning, SETPOINT, remedy)
    if len({one.name for one in action}) < len(action):
        remedy = "name each setpoint once"
        raise inconsistent("action", [one.name for one in action], "different names", remedy)


def check_state(
    state: Sequence[str],
    action: Sequence[ActionSpec],
    tcp: TcpSpec | None,
    signals: Mapping[str, SignalSpec],
) -> None:
    """Raise unless each part of the state is there once, and those that others need are there."""
    if len(set(state)) != len(state):
        raise inconsistent("state", list(state), "different parts", "name each part once")
    own = get_args(StatePart)
    for name in signals:
        if name in own:
            raise inconsistent("signals", name, "another name", f"what {name} is, is known already")
        if name not in state:
            raise inconsistent("state", list(state), f"{name} among them", "a signal is a part of the state")
    for part in state:
        if part not in own and part not in signals:
            remedy = "correct it, or say under signals how many numbers it has"
            raise inconsistent("state", part, f"one of {', '.join((*own, *signals))}", remedy)
    if tcp is None and set(state) & set(TCP_MEANINGS):
        remedy = "say how rotations are given"
        raise inconsistent("tcp", None, "a mapping with rotation", remedy)
    if action[0].meaning in JOINT_MEANINGS[1:] and "joint_position" not in state:
        remedy = f"{action[0].meaning} leads away from what was observed"
        raise inconsistent("state", list(state), "joint_position among them", remedy)


def part_sizes(
    state: Sequence[str],
    joints: int,
    tcp: TcpSpec | None,
    signals: Mapping[str, SignalSpec] = MappingProxyType({}),
    hands: int = 1,
) -> dict[str, int]:
    """How many numbers each part of a state has; ``hands``: how many grippers there are."""
    sizes = {"joint_position": joints, "tcp_position": 3}
    sizes |= {"gripper_width": hands, "gripper_fingers": 2 * hands}
    sizes["tcp_rotation"] = 0 if tcp is None else ROTATIONS[tcp.observed_as]
    sizes |= {name: signal.size for name, signal in signals.items()}
    return {part: sizes[part] for part in state}
