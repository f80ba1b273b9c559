"""Subscriptions that nobody is woken by: their newest messages are taken when somebody asks."""

from __future__ import annotations

from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

from sag_ros.ros.receiver import Apart


class Tap:
    """The newest messages of a topic.

    What comes in between replaces what waits, so a camera of 60 Hz that is looked at ten times a second costs
    Python ten messages. Best effort, so that nobody ever waits for us.

    Args:
        node: that subscribes.
        kind: of the messages.
        topic: of the messages.
        depth: how many are kept between two looks.
        latched: whether the last message from before counts.
    """

    def __init__(self, node: Node, kind: Any, topic: str, depth: int = 1, latched: bool = False) -> None:
        self._node, self._depth = node, depth
        profile = QoSProfile(
            depth=depth,
            history=HistoryPolicy.KEEP_LAST,
            reliability=ReliabilityPolicy.RELIABLE if latched else ReliabilityPolicy.BEST_EFFORT,
            durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
        )
        self._subscription = node.create_subscription(
            kind, topic, lambda message: None, profile, callback_group=Apart()
        )

    def take(self) -> list[Any]:
        """Messages that came since the last call, the oldest first."""
        subscription, found = self._subscription, []
        with subscription.handle:
            while (
                len(found) < self._depth
            ):  # there is no more; to ask once again costs as much as to take one
                taken = subscription.handle.take_message(subscription.msg_type, subscription.raw)
                if taken is None:
                    break
                found.append(taken[0])
        return found

    def destroy(self) -> None:
        """Remove the subscription from the node."""
        self._node.destroy_subscription(self._subscription)
