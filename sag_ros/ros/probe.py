"""Does ROS 2 start a node? ``sag doctor`` asks that in a process of its own."""

from __future__ import annotations

import rclpy
from rclpy.utilities import get_rmw_implementation_identifier


def main() -> None:
    """Start a node and print the middleware and the domain that it is in."""
    rclpy.init()
    node = rclpy.create_node("sag_doctor")
    print(get_rmw_implementation_identifier(), "domain", node.context.get_domain_id())
    node.destroy_node()
    rclpy.try_shutdown()
