"""What the policy node was started with: topics, cameras, policies. Asked for, not repeated in parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rcl_interfaces.srv import GetParameters, ListParameters
from rclpy.node import Node
from rclpy.parameter import parameter_value_to_python

from sag_ros.messages.joints import prefixed
from sag_ros.robots.registry import ARMS
from sag_ros.ros.parameters import nest

_NAMES = (
    "arm", "joint_prefix", "deadline", "gripper.joints", "topics.joint_states", "topics.gripper_states",
    "topics.trajectory",
)  # fmt: skip
_GROUPS = ("cameras", "policies")


@dataclass(frozen=True)
class Facts:
    """See the module.

    Attributes:
        arm: name.
        joints, fingers: as messages name them.
        joint_states, gripper_states, trajectory: topics.
        cameras: name -> (topic, whether compressed).
        policies: names of those that may be loaded.
        deadline: camera stamp to command, s.
    """

    arm: str
    joints: tuple[str, ...]
    fingers: tuple[str, ...]
    joint_states: str
    gripper_states: str
    trajectory: str
    cameras: tuple[tuple[str, str, bool], ...]
    policies: tuple[str, ...]
    deadline: float


def read(flat: Mapping[str, Any]) -> Facts:
    """Facts from dotted parameters.

    Raises:
        KeyError: a parameter is missing: it is no policy node.
    """
    tree = nest(flat)
    arm = ARMS[tree["arm"]]
    cameras = ((name, one["topic"], one["compressed"]) for name, one in tree.get("cameras", {}).items())
    topics = tree["topics"]
    return Facts(
        arm=arm.name,
        joints=tuple(prefixed(tree["joint_prefix"], arm.joints)),
        fingers=tuple(tree["gripper"]["joints"]),
        joint_states=topics["joint_states"],
        gripper_states=topics["gripper_states"],
        trajectory=topics["trajectory"],
        cameras=tuple(sorted(cameras)),
        policies=tuple(tree.get("policies", {})),
        deadline=tree["deadline"],
    )


class Inquiry:
    """Asks the policy node for its facts, again and again while somebody looks.

    Args:
        node: that asks.
        policy: name of the node that is asked.
        tell: called with facts that are new.
    """

    def __init__(self, node: Node, policy: str, tell: Callable[[Facts], None]) -> None:
        self._node, self._tell = node, tell
        self._list = node.create_client(ListParameters, f"{policy}/list_parameters")
        self._get = node.create_client(GetParameters, f"{policy}/get_parameters")
        self._facts: Facts | None = None
        self._problem = ""

    def ask(self) -> None:
        """Ask, if anybody can answer; what is never answered is asked again by the next call."""
        if not (self._list.service_is_ready() and self._get.service_is_ready()):
            return
        request = ListParameters.Request(prefixes=list(_GROUPS), depth=ListParameters.Request.DEPTH_RECURSIVE)
        self._list.call_async(request).add_done_callback(self._on_list)

    def _on_list(self, future: Any) -> None:
        if future.result() is None:
            return
        names = [*_NAMES, *future.result().result.names]
        call = self._get.call_async(GetParameters.Request(names=names))
        call.add_done_callback(lambda answer: self._on_values(names, answer))

    def _on_values(self, names: list[str], future: Any) -> None:
        if future.result() is None:
            return
        values = map(parameter_value_to_python, future.result().values)
        flat = {name: value for name, value in zip(names, values, strict=False) if value is not None}
        try:
            facts = read(flat)
        except (KeyError, ValueError) as error:
            problem = f"{self._get.srv_name} does not answer like a policy node: {error!r}"
            if problem != self._problem:
                self._node.get_logger().warning(problem)
            self._problem = problem
            return
        if facts != self._facts:
            self._facts = facts
            self._tell(facts)
