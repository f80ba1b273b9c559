"""What runs and what could run, on a topic that keeps its last message for those who come later."""

from __future__ import annotations

from collections.abc import Mapping

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from rclpy.node import Node

from sag_ros.ros import qos
from sag_ros.ros.policy.running import name_of
from sag_ros.ros.schema import PolicyNode


class Announcement:
    """Publishes ``~/policy`` whenever it changes; in every lifecycle state.

    Args:
        node: whose topic it is.
    """

    def __init__(self, node: Node) -> None:
        self._publisher = node.create_publisher(DiagnosticStatus, "~/policy", qos.LATCHED)
        self._status = DiagnosticStatus(name=f"{node.get_name()}: policy", level=DiagnosticStatus.OK)
        self._told: tuple[object, ...] = ()

    def tell(self, config: PolicyNode, facts: Mapping[str, object] | None, following: str) -> None:
        """Publish if something is new.

        Args:
            config: of the node; names what runs, or what will once it is configured.
            facts: of what runs; None: nothing is configured.
            following: what comes next.
        """
        message = name_of(config) if facts is not None else f"not configured: {name_of(config)}"
        values = {} if facts is None else {key: str(value) for key, value in facts.items()}
        values["next"] = following
        for name, choice in config.policies.items():
            values[f"policies.{name}"] = f"{choice.bundle} {choice.sampler}+{choice.mask_source}"
        told = (message, *values.items())
        if told == self._told:
            return
        self._told = told
        self._status.message = message
        self._status.values = [KeyValue(key=key, value=value) for key, value in values.items()]
        self._publisher.publish(self._status)
