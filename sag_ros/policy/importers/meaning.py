"""What a checkpoint does not say of its numbers, and whether what is said of them fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sag_ros.policy.meanings import BinaryGripper, StatePart, TcpSpec, part_sizes, pose_actions

POSES = "tcp"


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
        parts: what each of ``state`` is, see ``meanings.StatePart``; by default joint positions (rad), the
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
        return list(dict.fromkeys(self._parts))

    @property
    def _parts(self) -> Sequence[str]:
        return self.parts or [*["joint_position"] * (len(self.state) - 1), "gripper_width"]

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
        known = get_args(StatePart)
        unknown = next((part for part in self._parts if part not in known), None)
        if unknown is not None:
            raise ImportRefused(f"no observation is a '{unknown}'; there is {', '.join(known)}")
        found: dict[str, int] = {}
        for key, part in zip(self.state, self._parts, strict=True):
            found[part] = found.get(part, 0) + int(low[key][0])
        if len(self.contract_state) != sum(
            part != before for part, before in zip(self._parts, ["", *self._parts], strict=False)
        ):
            raise ImportRefused(f"name those of the same part side by side: {', '.join(self.state)}")
        wanted = part_sizes(self.contract_state, len(self.joints), self.tcp)
        remedy = (
            "say what each observation is (name=tcp_position, tcp_rotation, gripper_fingers, ...), "
            "and what actions are (joint positions, or poses with their rotation)"
        )
        for part, size in wanted.items():
            if found[part] != size:
                own = ", ".join(key for key, at in zip(self.state, self._parts, strict=True) if at == part)
                what = f"{part} of {len(self.joints)} joints"
                raise ImportRefused(f"{own} has {found[part]} numbers; {what} has {size}: {remedy}")
        expected = len(self.contract_actions) + 1
        if action != expected:
            raise ImportRefused(f"an action has {action} numbers; {expected} are expected: {remedy}")
