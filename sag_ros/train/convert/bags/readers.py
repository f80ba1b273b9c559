"""From messages to the numbers of one part of a state or an action."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sag_ros.messages.errors import MessageError
from sag_ros.messages.fields import FieldPaths
from sag_ros.messages.joints import GripperReader, JointReader, prefixed
from sag_ros.policy.contract import Contract
from sag_ros.robots.arm import Arm
from sag_ros.train.convert.bags.inputs import JOINTS, WIDTH, Input
from sag_ros.train.convert.raw import ConversionError, Values

JOINT_STATE, TRAJECTORY = "sensor_msgs/msg/JointState", "trajectory_msgs/msg/JointTrajectory"
# Where a part is in messages of a type, if nobody says.
_FIELDS = {
    ("geometry_msgs/msg/PoseStamped", "tcp_position"): ("pose.position",),
    ("geometry_msgs/msg/PoseStamped", "tcp_rotation"): ("pose.orientation",),
}
_SIZES = {"tcp_position": 3, "tcp_rotation": 4}  # as messages have them: x, y, z, w

# (k,) of a message; None of one that is about something else, as of the fingers where joints are wanted.
Read = Callable[[Any], Values | None]


class Readers:
    """Makes what reads a part.

    Args:
        contract: of the policy.
        arm: whose fingers are known by name; None where no arm has the policy's joints.
        prefix: before the names of joints in messages.
    """

    def __init__(self, contract: Contract, arm: Arm | None, prefix: str) -> None:
        self.joints = prefixed(prefix, contract.joints)
        self._fingers = [] if arm is None else prefixed(prefix, arm.gripper.joints)
        self._sizes = {**_SIZES, JOINTS: len(self.joints)}
        self._sizes |= {name: signal.size for name, signal in contract.signals.items()}

    def reader(self, one: Input, kind: str) -> Read:
        """Of messages of type ``kind``, for :meth:`FieldPaths.numbers` and the like; they raise MessageError.

        Raises:
            ConversionError: a type in which the part is not without its field, or a field that is no path.
        """
        fields = one.fields or _FIELDS.get((kind, one.part), ())
        if fields:
            try:
                return self._of_fields(one, FieldPaths(kind, fields))
            except ValueError as error:
                raise ConversionError(f"{one.part}={one.topic}: {error}") from None
        if kind == JOINT_STATE and one.part == JOINTS:
            joints = JointReader(self.joints)
            return lambda message: joints.positions(message) * one.scale if joints.concerns(message) else None
        if kind == JOINT_STATE and one.part == WIDTH and self._fingers:
            hand = GripperReader(self._fingers)
            return lambda message: (
                np.array([hand.width(message) * one.scale]) if hand.concerns(message) else None
            )
        raise ConversionError(
            f"{one.part}={one.topic} has messages of {kind}; say which field of them it is: "
            f"{one.part}={one.topic}:data[0:{self._sizes.get(one.part, 2)}], say"
        )

    def _of_fields(self, one: Input, paths: FieldPaths) -> Read:
        size = self._sizes.get(one.part)

        def read(message: Any) -> Values:
            values = np.array(paths.numbers(message), np.float64) * one.scale
            if one.part == JOINTS:
                values = self._in_order(message, values)
            if one.part == WIDTH:  # of two fingers
                values = values.sum(keepdims=True)
            elif len(values) != size:
                raise MessageError(f"it has {len(values)} numbers for {one.part}; {size} are wanted")
            if not np.isfinite(values).all():
                raise MessageError(f"its numbers are not finite: {values[:8].tolist()}")
            return values

        return read

    def _in_order(self, message: Any, values: Values) -> Values:
        """Of the policy's joints, where the message names one for each number, as a controller's state."""
        names: Sequence[str] = getattr(message, "joint_names", getattr(message, "name", ()))
        if len(names) != len(values):
            return values
        missing = [name for name in self.joints if name not in names]
        if missing:
            raise MessageError(f"it lacks {', '.join(missing)}; it names {', '.join(names)}")
        return values[[list(names).index(name) for name in self.joints]]
