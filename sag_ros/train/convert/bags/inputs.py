"""What a person says of the topics of a bag: ``gripper_width=/hand/state:position[0]*0.001``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sag_ros.policy.contract import Contract
from sag_ros.policy.meanings import TCP_MEANINGS
from sag_ros.robots.arm import Arm
from sag_ros.train.convert.raw import ConversionError

MEASURED = "measured"
JOINTS, WIDTH, FINGERS = "joint_position", "gripper_width", "gripper_fingers"
_WORD = re.compile(r"^(?:(\w+)=)?(/?[A-Za-z_][\w/]*)(?::([^*]+))?(?:\*([-+.\deE]+))?$")


@dataclass(frozen=True)
class Input:
    """One part of a state or an action, and where it is.

    Attributes:
        part: as a contract names it.
        topic: with its slash.
        fields: paths to numbers; empty: what the part is in a message of that type.
        scale: that the numbers are multiplied with.
    """

    part: str
    topic: str
    fields: tuple[str, ...] = ()
    scale: float = 1.0


def parse(word: str, option: str) -> Input:
    """``part=topic``, ``part=topic:field,field``, ``part=topic:field*scale``; of ``option``, for errors.

    Raises:
        ConversionError: anything else.
    """
    match = _WORD.match(word)
    try:
        if match is None:
            raise ValueError
        part, topic, fields, scale = match.groups()
        paths = tuple(fields.split(",")) if fields else ()
        return Input(part or "", "/" + topic.lstrip("/"), paths, float(scale) if scale else 1.0)
    except ValueError:
        raise ConversionError(
            f"{option} {word}: say part=topic, and where the numbers are no joints by name also the field: "
            "part=/topic:pose.position, part=/topic:data[0:3]*0.001"
        ) from None


class Inputs:
    """Which topic is which part.

    Args:
        contract: of the policy.
        arm: with these joints; None where none is known: then neither its poses nor its fingers are.
        state: words, as ``joint_position=/franka/joint_states``.
        action: words of the same kind; ``part=measured``: where it was one period later, and ``measured``
            alone: that for everything that has no word.

    Attributes:
        state, action: the inputs that are read, without what is made of others, as poses of joints.
        parts: of the action in their order; those that ``action`` has not are measured.

    Raises:
        ConversionError: a word or a part that is none, or a part that nothing is said of.
    """

    def __init__(
        self, contract: Contract, arm: Arm | None, state: Sequence[str], action: Sequence[str]
    ) -> None:
        _require_absolute(contract)
        chain = arm is not None and arm.chain is not None
        poses = list(TCP_MEANINGS) if contract.commands_poses else []
        self.state = _named([parse(word, "--state") for word in state], [*contract.state, JOINTS, WIDTH])
        for part in contract.state:
            if not self._made(part, chain):
                _lacks(part, "--state")
        words = [parse(word, "--action") for word in action if word != MEASURED]
        given = _named(words, [*poses, JOINTS, WIDTH], "--action")
        arm_parts = [JOINTS]
        if poses and JOINTS not in given and (set(poses) & set(given) or set(poses) <= set(self.state)):
            arm_parts = poses
        if poses and arm_parts == [JOINTS] and not chain:
            raise ConversionError(
                f"no arm is known with the joints {', '.join(contract.joints)}; say where its poses are: "
                "--action tcp_position=/topic:pose.position tcp_rotation=/topic:pose.orientation"
            )
        self.parts, self.action = (*arm_parts, WIDTH), dict[str, Input]()
        for part in self.parts:
            if part not in given and MEASURED not in action:
                raise ConversionError(
                    f"--action says nothing of {part}: name its topic ({part}=/topic), or say "
                    f"{part}=measured for where it was one period later"
                )
            if part in given and given[part].topic != f"/{MEASURED}":
                self.action[part] = given[part]
            elif part not in self.state:
                _lacks(part, "--state", " It is to be measured")

    def _made(self, part: str, chain: bool) -> bool:
        """Whether a part of the state is named, or is made of one that is."""
        of_joints = part in TCP_MEANINGS and JOINTS in self.state and chain
        return part in self.state or of_joints or (part == FINGERS and WIDTH in self.state)

    @property
    def topics(self) -> list[str]:
        """All of them, once."""
        return list(dict.fromkeys(one.topic for one in (*self.state.values(), *self.action.values())))


def _lacks(part: str, option: str, why: str = "") -> None:
    also = ", or joint_position of an arm whose chain is known" if part in TCP_MEANINGS else ""
    raise ConversionError(f"{option} names no topic for {part}; say {part}=/topic{also}.{why}".rstrip("."))


def _named(inputs: Sequence[Input], known: Sequence[str], option: str = "--state") -> dict[str, Input]:
    found: dict[str, Input] = {}
    for one in inputs:
        if one.part not in known:
            what = f"{one.part!r} is no part" if one.part else f"{one.topic} is no part=topic"
            raise ConversionError(f"{option}: {what}; there is {', '.join(dict.fromkeys(known))}")
        if one.part in found:
            raise ConversionError(f"{option} names {one.part} twice: {found[one.part].topic}, {one.topic}")
        found[one.part] = one
    return found


def _require_absolute(contract: Contract) -> None:
    meaning, tcp = contract.action[0].meaning, contract.tcp
    relative = contract.commands_poses and tcp is not None and tcp.relative != "no"
    if relative or meaning not in (JOINTS, *TCP_MEANINGS):
        raise ConversionError(
            f"a bag says where the arm has to be; actions of the policy are {'relative ' if relative else ''}"
            f"{meaning}, which are not made of that. Understood are joint_position and absolute poses"
        )
