"""The state of a node on /diagnostics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

from sag_ros.ros import qos

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


class Diagnostics:
    """Publishes one status; works in every lifecycle state, above all when something was refused."""

    def __init__(self, node: Node, hardware: str = "", part: str = "policy") -> None:
        """Status ``<node>: <part>`` of ``hardware``; a node in a namespace is told from others with it."""
        self._node = node
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", qos.STATE)
        self._status = DiagnosticStatus(
            name=f"{told_as(node, node.get_name())}: {part}", hardware_id=hardware
        )

    def publish(self, level: bytes, message: str, values: Mapping[str, Any]) -> None:
        """Publish ``message`` with values shown to a person."""
        self._status.level, self._status.message = level, message
        self._status.values = [KeyValue(key=key, value=_shown(value)) for key, value in values.items()]
        array = DiagnosticArray(status=[self._status])
        array.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(array)


def told_as(node: Node, other: str) -> str:
    """What ``other``, a node beside ``node`` in its namespace, is called on /diagnostics."""
    return f"{node.get_namespace()}/{other}".strip("/")


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
