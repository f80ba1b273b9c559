"""The one description of the running graph: which nodes run, with which parameters and remaps.

The launch file turns it into launch_ros actions, the demo into subprocesses. No ROS import.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sag_ros.paths import config_file
from sag_ros.robots.arm import Bringup
from sag_ros.robots.registry import ARMS
from sag_ros.ros.choices import PARTS
from sag_ros.ros.parameters import given, load_file
from sag_ros.ros.sections import VIEW_NODE

SIMULATED = "sim"
# Besides the simulated one: the arms whose drivers we know how to start.
ROBOTS = (SIMULATED, *(name for name, arm in ARMS.items() if arm.bringup is not None))
PACKAGE = "sag_ros"
RECORDER = "recorder_node"
_FOLDERS = {RECORDER: "flight"}  # of nodes that are not called like theirs
ROS2_CONTROL, FCI = DRIVERS = "ros2_control", "fci"
# rad, s: that arm rests on its command, a real one beside it; and its controller takes commands at once.
_SIMULATED = {"limits.rest_error": 0.0025, "limits.command_error": 0.001, "limits.command_lag": 0.0}
_EMULATED_SHARE = 0.65  # of the limits: what a clock that is a fifth slow makes of it stays inside
_EMULATED_LAG = 0.3  # rad that an arm may be behind whose clock is slow
TOPICS = {
    "mask": "policy_node/mask",
    "timing": "policy_node/timing",
    "policy": "policy_node/policy",
    "chunk": "policy_node/chunk",
    "status": "sim_node/task_status",
}


@dataclass(frozen=True)
class GraphNode:
    """One node of the graph.

    Attributes:
        name: node name; also its section in the parameter file.
        executable: in lib/sag_ros.
        parameters: on top of the parameter file, dotted names.
        remaps: topic -> topic.
        lifecycle: whether it has to be configured and activated.
        namespace: in which its name and its relative topics are; empty for the root.
    """

    name: str
    executable: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    remaps: Mapping[str, str] = field(default_factory=dict)
    lifecycle: bool = False
    namespace: str = ""

    @property
    def module(self) -> str:
        """Python module behind the executable."""
        folder = _FOLDERS.get(self.executable, self.executable.removesuffix("_node"))
        return f"{PACKAGE}.ros.{folder}.node"

    @property
    def enclave(self) -> str:
        """Whose permissions the node has where ROS_SECURITY_ENABLE is set; without, it means nothing."""
        return f"/{self.name}"

    def all_parameters(self, parameter_file: Path) -> Mapping[str, Any]:
        """What has to be given beside the file; in a namespace that is what the file says, too: for a node
        there ROS does not find a section that is called by its name alone, and says nothing.
        """
        if not self.namespace:
            return self.parameters
        return {**given(parameter_file, self.name), **self.parameters}

    def ros_arguments(self, parameter_file: Path) -> list[str]:
        """Command-line arguments, beginning with ``--ros-args``."""
        arguments = ["--ros-args", "-r", f"__node:={self.name}", "--enclave", self.enclave]
        if self.namespace:
            arguments += ["-r", f"__ns:=/{self.namespace}"]
        else:
            arguments += ["--params-file", str(parameter_file)]
        for source, target in self.remaps.items():
            arguments += ["-r", f"{source}:={target}"]
        for name, value in self.all_parameters(parameter_file).items():
            # JSON is YAML in which no string is mistaken for a number or a bool.
            arguments += ["-p", f"{name}:={json.dumps(value)}"]
        return arguments

    def command(self, parameter_file: Path) -> list[str]:
        """Command that starts the node with this Python, installed by colcon or not."""
        return [sys.executable, "-m", self.module, *self.ros_arguments(parameter_file)]


@dataclass(frozen=True)
class Graph:
    """All nodes of ours, and what has to be included to start the drivers of a real robot.

    Attributes:
        parameter_file: ROS 2 parameter file of the nodes.
        nodes: in starting order.
        bringup: launch file of the drivers, its arguments filled in; None without a real robot.
        controller: ros2_control controller to spawn with the bring-up.
    """

    parameter_file: Path
    nodes: tuple[GraphNode, ...]
    bringup: Bringup | None = None
    controller: str = ""

    def within(self, namespace: str) -> Graph:
        """The same graph in a namespace: several of them are on one network, each with its own topics.

        Raises:
            ValueError: no namespace, as ``left`` or ``cell/left``.
        """
        plain = namespace.strip("/")
        if not re.fullmatch(r"[A-Za-z]\w*(/[A-Za-z]\w*)*", plain):
            raise ValueError(f"namespace {namespace!r} is none; letters, digits and _, as left or cell/left")
        return replace(self, nodes=tuple(replace(node, namespace=plain) for node in self.nodes))

    @property
    def namespace(self) -> str:
        """Of its nodes."""
        return self.nodes[0].namespace

    def watched(self, parameters: Mapping[str, Any] | None = None) -> Graph:
        """The same graph with ``view_node`` beside it; ``parameters`` on top of the file's."""
        return replace(self, nodes=(*self.nodes, GraphNode(VIEW_NODE, VIEW_NODE, parameters or {})))

    def recorded(self, parameters: Mapping[str, Any] | None = None) -> Graph:
        """The same graph with the flight recorder beside it; ``parameters`` on top of the file's."""
        return replace(self, nodes=(*self.nodes, GraphNode(RECORDER, RECORDER, parameters or {})))

    def node(self, name: str) -> GraphNode:
        """The node called ``name``; KeyError lists those that exist."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(f"no node '{name}' in the graph; it has {', '.join(n.name for n in self.nodes)}")


def emulated(
    parameter_file: Path | None = None,
    policy: Mapping[str, Any] | None = None,
    sim: Mapping[str, Any] | None = None,
) -> Graph:
    """The graph with an emulated FR3 behind fci_node, and our simulation beside it.

    Both arms execute the same commands: fci_node's is the one that is measured, judged and published, the
    simulated one takes the objects along and is what the cameras see. So both begin at home. The emulated
    robot's clock is up to a tenth slow, and by as much the driver hurries in its eyes; hence the guard leaves
    it more room. What it lags behind meanwhile is no fault.
    """
    from sag_ros.fci.emulator import ADDRESS

    own_limits = {
        "limits.factor": _EMULATED_SHARE,
        "limits.rest_error": _EMULATED_LAG,
        "topics.desired_states": "",
        "limits.resume_error": _EMULATED_LAG,
        "limits.tracking_error": _EMULATED_LAG,
    }
    graph = pick_release(parameter_file=parameter_file, policy={**own_limits, **(policy or {})}, sim=sim)
    own = {"topics.joint_states": "sim_node/joint_states", "at_home": True}
    simulation = graph.node("sim_node")
    simulation = replace(simulation, parameters={**own, **simulation.parameters})
    driver = GraphNode("fci_node", "fci_node", {"robot_ip": ADDRESS, "hand": False})
    return replace(graph, nodes=(simulation, driver, graph.node("policy_node")))


def _of_its_own(policy: Mapping[str, Any], file: Path) -> Mapping[str, Any]:
    """Parameters of policy_node in which a part of a policy is not overruled by a name in the file."""
    if "policy" in policy or not set(PARTS) & set(policy):
        return policy
    named: Any = load_file(file, "policy_node")
    if not named.policy:
        return policy
    return {"policy": "", **{part: getattr(named, part) for part in PARTS}, **policy}


def pick_release(
    robot: str = SIMULATED,
    robot_ip: str = "",
    parameter_file: Path | None = None,
    policy: Mapping[str, Any] | None = None,
    sim: Mapping[str, Any] | None = None,
    driver: str = ROS2_CONTROL,
) -> Graph:
    """Describe the pick-and-release graph.

    Args:
        robot: ``sim`` runs sim_node; the name of an arm starts its drivers and bridges the gripper.
        robot_ip: address of a real robot.
        parameter_file: ``config/pick_release.yaml`` by default.
        policy, sim: parameters on top of the file, for policy_node and sim_node.
        driver: of a real robot: ``ros2_control`` starts the maker's drivers, ``fci`` our fci_node.

    Raises:
        ValueError: unknown robot or driver, or no address for a real one.
    """
    if robot not in ROBOTS:
        raise ValueError(f"robot '{robot}' does not exist; use one of {', '.join(ROBOTS)}")
    file = config_file("pick_release.yaml") if parameter_file is None else parameter_file
    node = GraphNode("policy_node", "policy_node", _of_its_own(policy or {}, file), lifecycle=True)
    if robot == SIMULATED:
        if parameter_file is None:  # what a file says of its own arm is not ours to judge
            node = replace(node, parameters={**_SIMULATED, **node.parameters})
        return Graph(file, (GraphNode("sim_node", "sim_node", sim or {}), node))
    if not robot_ip:
        raise ValueError(f"robot:={robot} needs robot_ip:=<address of the robot>")
    if driver not in DRIVERS:
        raise ValueError(f"driver '{driver}' does not exist; use one of {', '.join(DRIVERS)}")
    arm = ARMS[robot]
    if driver == FCI:
        return Graph(file, (GraphNode("fci_node", "fci_node", {"robot_ip": robot_ip, "arm": robot}), node))
    known = {"robot_ip": robot_ip, "config": str(config_file("pick_release.yaml").parent)}
    arguments = {name: value.format(**known) for name, value in arm.bringup.arguments.items()}
    bringup = replace(arm.bringup, arguments=arguments)
    return Graph(file, (GraphNode("gripper_node", "gripper_node"), node), bringup, arm.controller)
