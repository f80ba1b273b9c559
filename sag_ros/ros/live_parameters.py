"""Parameters that may be set while a node runs: all of a call or none of it, checked and logged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from sag_ros.ros import parameters
from sag_ros.ros.sections import Section

S = TypeVar("S", bound=Section)


class LiveParameters(Generic[S]):
    """Keeps the configuration of a node up to date.

    Args:
        node: whose parameters were declared.
        config: it was started with.
        apply: takes a new configuration; raises ValueError if it cannot be, having changed nothing.

    Attributes:
        config: the present one.
    """

    def __init__(self, node: Node, config: S, apply: Callable[[S], None]) -> None:
        self._node, self.config, self._apply = node, config, apply
        self._simulated = node.get_parameter("use_sim_time").value
        node.add_on_set_parameters_callback(self._on_set)

    def _on_set(self, wanted: list[Parameter]) -> SetParametersResult:
        for one in wanted:
            # rclpy's clock would follow; everything that was planned is in real seconds.
            if one.name == "use_sim_time" and one.value != self._simulated:
                reason = "use_sim_time cannot be changed while the node runs; start it with that"
                self._node.get_logger().warning(reason)
                return SetParametersResult(successful=False, reason=reason)
        # rclpy itself refuses those that are read-only; what is not ours is not ours to judge.
        values = {one.name: one.value for one in wanted if one.name in self.config.LIVE}
        if not values:
            return SetParametersResult(successful=True)
        try:
            config = parameters.changed(self.config, values)
            self._apply(config)
        except ValueError as error:
            return SetParametersResult(successful=False, reason=str(error))
        before, self.config = parameters.flatten(self.config), config
        said = ", ".join(f"{name}: {before[name]} -> {value}" for name, value in values.items())
        self._node.get_logger().info(f"parameters set: {said}")
        return SetParametersResult(successful=True)
