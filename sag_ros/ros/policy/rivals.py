"""Who else is on our topics."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Iterable

from builtin_interfaces.msg import Time
from rclpy.node import Node
from trajectory_msgs.msg import JointTrajectory

from sag_ros.ros import qos
from sag_ros.ros.sections import ONLOOKERS

_OWN = 256  # trajectories of ours that are remembered; 2 s at 100 a second
# CDR: four bytes of encapsulation, the second of which says little endian, then the header's stamp.
_STAMP = {0: struct.Struct(">iI"), 1: struct.Struct("<iI")}


class CommandWatch:
    """Hears every trajectory on our topic and tells which are not ours.

    They are told by their stamps, read from the serialized message: to unpack it would cost more than
    computing it.

    Args:
        node: that commands.
        topic: of the trajectories.
        on_foreign: called for one that we did not send.
    """

    def __init__(self, node: Node, topic: str, on_foreign: Callable[[], None]) -> None:
        self._node, self._on_foreign = node, on_foreign
        self._own: deque[tuple[int, int]] = deque(maxlen=_OWN)
        self._subscription = node.create_subscription(
            JointTrajectory,
            topic,
            self._hear,
            qos.STATE,
            raw=True,  # none may hide behind one of ours
        )

    def sending(self, stamp: Time) -> None:
        """Note what is about to be published."""
        self._own.append((stamp.sec, stamp.nanosec))

    def _hear(self, message: bytes) -> None:
        if len(message) < 12 or _STAMP[message[1] & 1].unpack_from(message, 4) not in self._own:
            self._on_foreign()

    def destroy(self) -> None:
        """Remove the subscription from the node."""
        self._node.destroy_subscription(self._subscription)


def publishers(node: Node, topic: str) -> list[str]:
    """Names of the nodes that publish a topic, each once: one that was just restarted is listed twice."""
    found = node.get_publishers_info_by_topic(node.resolve_topic_name(topic))
    return sorted({f"{one.node_namespace.rstrip('/')}/{one.node_name}" for one in found})


def onlookers(node: Node, topic: str) -> int:
    """How many subscriptions of a topic are of nodes that only look on: nobody executes what they hear."""
    found = node.get_subscriptions_info_by_topic(node.resolve_topic_name(topic))
    return sum(one.node_name in ONLOOKERS for one in found)


def listed(names: Iterable[str]) -> str:
    """Names for a sentence."""
    return ", ".join(names) or "nobody"
