"""The one description of the running graph: which nodes run, with which parameters and remaps.

The launch file turns it into launch_ros actions, the demo into subprocesses. No ROS import.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sag_ros.paths import config_file

Robot = Literal["sim", "fr3"]
ROBOTS: tuple[Robot, ...] = ("sim", "fr3")
PACKAGE = "sag_ros"
CONTROLLER = "fr3_arm_controller"
TOPICS = {"mask": "policy_node/mask", "timing": "policy_node/timing", "status": "sim_node/task_status"}


@dataclass(frozen=True)
class GraphNode:
    """One node of the graph.

    Attributes:
        name: node name; also its section in the parameter file.
        executable: in lib/sag_ros.
        parameters: on top of the parameter file, dotted names.
        remaps: topic -> topic.
        lifecycle: whether it has to be configured and activated.
    """

    name: str
    executable: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    remaps: Mapping[str, str] = field(default_factory=dict)
    lifecycle: bool = False

    @property
    def module(self) -> str:
        """Python module behind the executable."""
        return f"{PACKAGE}.ros.{self.executable}"

    def ros_arguments(self, parameter_file: Path) -> list[str]:
        """Command-line arguments, beginning with ``--ros-args``."""
        arguments = ["--ros-args", "-r", f"__node:={self.name}", "--params-file", str(parameter_file)]
        for source, target in self.remaps.items():
            arguments += ["-r", f"{source}:={target}"]
        for name, value in self.parameters.items():
            # JSON is YAML in which no string is mistaken for a number or a bool.
            arguments += ["-p", f"{name}:={json.dumps(value)}"]
        return arguments

    def command(self, parameter_file: Path) -> list[str]:
        """Command that starts the node with this Python, installed by colcon or not."""
        return [sys.executable, "-m", self.module, *self.ros_arguments(parameter_file)]


@dataclass(frozen=True)
class Graph:
    """All nodes of ours, and what has to be included from franka_ros2.

    Attributes:
        parameter_file: ROS 2 parameter file of the nodes.
        nodes: in starting order.
        bringup: arguments of franka_bringup's franka.launch.py, or None without a real robot.
        controller: ros2_control controller to spawn with the bring-up.
    """

    parameter_file: Path
    nodes: tuple[GraphNode, ...]
    bringup: Mapping[str, str] | None = None
    controller: str = CONTROLLER

    def node(self, name: str) -> GraphNode:
        """The node called ``name``; KeyError lists those that exist."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(f"no node '{name}' in the graph; it has {', '.join(n.name for n in self.nodes)}")


def pick_release(
    robot: Robot = "sim",
    robot_ip: str = "",
    parameter_file: Path | None = None,
    policy: Mapping[str, Any] | None = None,
    sim: Mapping[str, Any] | None = None,
) -> Graph:
    """Describe the pick-and-release graph.

    Args:
        robot: ``sim`` runs sim_node; ``fr3`` brings up franka_ros2 and bridges the gripper.
        robot_ip: of the FR3; required for ``fr3``.
        parameter_file: ``config/pick_release.yaml`` by default.
        policy, sim: parameters on top of the file, for policy_node and sim_node.

    Raises:
        ValueError: unknown robot, or no address for a real one.
    """
    if robot not in ROBOTS:
        raise ValueError(f"robot '{robot}' does not exist; use one of {', '.join(ROBOTS)}")
    file = config_file("pick_release.yaml") if parameter_file is None else parameter_file
    node = GraphNode("policy_node", "policy_node", policy or {}, lifecycle=True)
    if robot == "sim":
        return Graph(file, (GraphNode("sim_node", "sim_node", sim or {}), node))
    if not robot_ip:
        raise ValueError("robot:=fr3 needs robot_ip:=<address of the robot>")
    bringup = {
        "robot_type": "fr3",
        "robot_ip": robot_ip,
        "load_gripper": "true",
        "controllers_yaml": str(config_file("fr3_controllers.yaml")),
    }
    return Graph(file, (GraphNode("gripper_node", "gripper_node"), node), bringup)
