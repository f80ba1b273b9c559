"""Nodes that have no business in the graph: who publishes or commands what one alone may."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from rclpy.node import Node
from sensor_msgs.msg import Image
from trajectory_msgs.msg import JointTrajectory

from sag_ros.ros import qos
from sag_ros.ros.faults.relay import Relay, Spoiler, untouched
from sag_ros.ros.joints import TrajectoryWriter
from sag_ros.ros.stamps import StampClock
from sag_ros.values import JointCommand

_LISTENERS = 2  # to commands: the policy, which watches for others, and the relay


class Strangers:
    """Come and go.

    Args:
        relay: that sees the messages of the graph.
        wait: for so many s, or until a condition holds.
    """

    def __init__(self, relay: Relay, wait: Callable[..., object]) -> None:
        self._relay, self._wait = relay, wait
        self._nodes: list[Node] = []

    def twin(self, topic: str, spoiler: Spoiler) -> None:
        """A node called twin publishes a topic as well, spoilt."""
        kind = self._relay.types[topic]
        node = Node("twin")
        publisher = node.create_publisher(kind, topic, qos.NEWEST if kind is Image else qos.STATE)
        self._nodes.append(node)

        def repeat(message: Any) -> None:
            if node in self._nodes:
                ((_, other),) = spoiler(copy.deepcopy(message))
                # A little later: two that come at once are one to a queue that keeps the newest.
                self._relay.post(lambda: node in self._nodes and publisher.publish(other))

        self._relay.hear(topic, repeat)

    def rival(
        self, topic: str, joints: Sequence[str], command: Callable[[], JointCommand], clock: StampClock
    ) -> None:
        """A node called rival sends a trajectory of one point.

        The arm does not get it: what a controller would do with it is not the question.
        """
        node = Node("rival")
        publisher = node.create_publisher(JointTrajectory, topic, qos.COMMAND)
        self._nodes.append(node)
        self._wait(3.0, lambda: publisher.get_subscription_count() >= _LISTENERS)
        self._wait(0.2)
        self._relay.spoil(topic, lambda m: [] if len(m.points) == 1 else untouched(m))
        self._wait(0.05)
        publisher.publish(TrajectoryWriter(joints).write(command(), clock))

    def end(self) -> None:
        """They go."""
        nodes, self._nodes = self._nodes, []
        for node in nodes:
            node.destroy_node()
