"""What a checkpoint does not say of its numbers, and whether what is said of them fits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sag_ros.policy.meanings import BinaryGripper, StatePart, TcpSpec, part_sizes, pose_actions

POSES, SIGNAL = "tcp", "signal"


def name_of(key: str) -> str:
    """A name as contracts have them."""
    return re.sub(r"[^A-Za-z0-9_]", "_", key)


class ImportRefused(ValueError):
    """A checkpoint that cannot be expressed; the text says what, what it means and what would be needed."""


@dataclass(frozen=True)
class Meaning:
    """What a checkpoint does not say.

    Attributes:
        state: its low-dimensional observations, in order.
        joints: names.
        period: s from one action to the next.
        actions: of the joints, see ``meanings.JOINT_MEANINGS``; ``tcp`` for poses.
        gripper: which values open and close it, and how wide that is; None where it is the width, m.
        weights: averaged or last ones.
        parts: what each of ``state`` is, see ``meanings.StatePart``, or ``signal`` (``signal:3`` where its
            size is not in the checkpoint) for what another topic tells; by default joint positions (rad), the
            last one the gripper width (m). Neighbours that are the same are one part.
        tcp: how poses are given, if there are any.
    """

    state: Sequence[str]
    joints: Sequence[str]
    period: float
    actions: str = "joint_position"
    gripper: BinaryGripper | None = None
    weights: Literal["ema_model", "model"] = "ema_model"
    parts: Sequence[str] = ()
    tcp: TcpSpec | None = None

    @property
    def contract_state(self) -> list[str]:
        """The parts of the contract's state."""
        return list(dict.fromkeys(self._named))

    @property
    def _parts(self) -> list[str]:
        """What each of ``state`` is, ``signal`` without its size."""
        return [part.partition(":")[0] for part in self._given]

    @property
    def _given(self) -> Sequence[str]:
        return self.parts or [*["joint_position"] * (len(self.state) - 1), "gripper_width"]

    @property
    def _named(self) -> list[str]:
        """The part of the contract's state that each of ``state`` belongs to."""
        pairs = zip(self.state, self._parts, strict=True)
        return [name_of(key) if part == SIGNAL else part for key, part in pairs]

    def flat(self, size: int) -> dict[str, list[int]]:
        """Observation -> its shape, where a checkpoint knows a vector of ``size`` numbers alone.

        Raises:
            ImportRefused: a signal whose size is not said, or sizes that do not add up.
        """
        known = part_sizes(get_args(StatePart), len(self.joints), self.tcp)
        found = {}
        for key, given, part in zip(self.state, self._given, self._parts, strict=True):
            number = given.partition(":")[2]
            if part == SIGNAL and not number.isdecimal():
                raise ImportRefused(f"how many numbers is {key}? say {key}={SIGNAL}:NUMBER")
            found[key] = [int(number) if part == SIGNAL else known.get(part, 0)]
        total = sum(shape[0] for shape in found.values())
        if total != size:
            each = ", ".join(f"{key} {shape[0]}" for key, shape in found.items())
            raise ImportRefused(f"the policy observes {size} numbers; those of --state are {total} ({each})")
        return found

    def signals(self, low: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """The contract's signals: those of ``low`` (observation -> shape) that are none of an arm's own."""
        pairs = zip(self.state, self._parts, strict=True)
        return {name_of(key): {"size": int(low[key][0])} for key, part in pairs if part == SIGNAL}

    @property
    def contract_actions(self) -> list[dict[str, str]]:
        """The contract's actions, without the gripper."""
        if self.actions != POSES:
            return [{"name": joint, "meaning": self.actions, "unit": "rad"} for joint in self.joints]
        if self.tcp is None:
            raise ImportRefused("the actions are poses; it has to be said how their rotations are given")
        return pose_actions(self.tcp.rotation)

    def require(self, low: Mapping[str, Any], action: int) -> None:
        """Check it.

        Args:
            low: low-dimensional observation -> its shape.
            action: how many numbers an action has.

        Raises:
            ImportRefused: what does not fit.
        """
        if set(low) != set(self.state):
            raise ImportRefused(
                f"the policy observes {', '.join(low) or 'no state'}; --state names {', '.join(self.state)}. "
                "It has to name all of them, in any order"
            )
        known = (*get_args(StatePart), SIGNAL)
        unknown = next((part for part in self._parts if part not in known), None)
        if unknown is not None:
            raise ImportRefused(f"no observation is a '{unknown}'; there is {', '.join(known)}")
        found: dict[str, int] = {}
        for key, part in zip(self.state, self._named, strict=True):
            found[part] = found.get(part, 0) + int(low[key][0])
        if len(self.contract_state) != sum(
            part != before for part, before in zip(self._named, ["", *self._named], strict=False)
        ):
            raise ImportRefused(f"name those of the same part side by side: {', '.join(self.state)}")
        own = [part for part in self.contract_state if part in get_args(StatePart)]
        wanted = part_sizes(own, len(self.joints), self.tcp)
        remedy = (
            "say what each observation is (name=tcp_position, tcp_rotation, gripper_fingers, signal, ...), "
            "and what actions are (joint positions, or poses with their rotation)"
        )
        for part, size in wanted.items():
            if found[part] != size:
                keys = ", ".join(key for key, at in zip(self.state, self._named, strict=True) if at == part)
                what = f"{part} of {len(self.joints)} joints"
                raise ImportRefused(f"{keys} has {found[part]} numbers; {what} has {size}: {remedy}")
        expected = len(self.contract_actions) + 1
        if action != expected:
            raise ImportRefused(f"an action has {action} numbers; {expected} are expected: {remedy}")
