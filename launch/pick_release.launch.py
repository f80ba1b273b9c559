"""Pick and release: simulated robot by default, ``robot:=fr3 robot_ip:=<address>`` for a real one.

With ``driver:=fci`` our own fci_node drives it, without ros2_control.
Arguments: robot, driver, robot_ip, params (parameter file), bundle, policy (one of those
that the file names), record (run the flight recorder), view (serve a page that shows it all),
namespace (of our nodes and topics, not of the maker's drivers), autostart (configure, activate at once).
With a real robot the camera drivers are yours to start; name their topics in the parameter file.
"""

from __future__ import annotations

from pathlib import Path

from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import LifecycleNode, Node
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription
from sag_ros.ros.graph import DRIVERS, PACKAGE, ROBOTS, pick_release


def _start(context):
    def value(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    policy = {"autostart": value("autostart").lower() in ("true", "1", "yes")}
    policy |= {name: value(name) for name in ("bundle", "policy") if value(name)}
    graph = pick_release(
        robot=value("robot"),
        robot_ip=value("robot_ip"),
        driver=value("driver"),
        parameter_file=Path(value("params")) if value("params") else None,
        policy=policy,
    )
    if value("view").lower() in ("true", "1", "yes"):
        graph = graph.watched()
    if value("record").lower() in ("true", "1", "yes"):
        graph = graph.recorded()
    if value("namespace"):
        graph = graph.within(value("namespace"))
    actions = []
    if graph.bringup is not None:
        source = PathJoinSubstitution(
            [FindPackageShare(graph.bringup.package), "launch", graph.bringup.launch_file]
        )
        actions += [
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(source), launch_arguments=graph.bringup.arguments.items()
            ),
            Node(package="controller_manager", executable="spawner", arguments=[graph.controller]),
        ]
    for node in graph.nodes:
        kind = LifecycleNode if node.lifecycle else Node
        actions.append(
            kind(
                package=PACKAGE,
                executable=node.executable,
                name=node.name,
                namespace=node.namespace,
                parameters=[
                    *([] if node.namespace else [str(graph.parameter_file)]),
                    dict(node.all_parameters(graph.parameter_file)),
                ],
                remappings=list(node.remaps.items()),
                ros_arguments=["--enclave", node.enclave],
                output="screen",
            )
        )
    return actions


def generate_launch_description() -> LaunchDescription:
    """Entry point of ros2 launch."""
    return LaunchDescription(
        [
            DeclareLaunchArgument("robot", default_value="sim", description=" or ".join(ROBOTS)),
            DeclareLaunchArgument("robot_ip", default_value="", description="address of the real robot"),
            DeclareLaunchArgument(
                "driver",
                default_value="ros2_control",
                description=f"of the real robot: {' or '.join(DRIVERS)}",
            ),
            DeclareLaunchArgument("params", default_value="", description="parameter file"),
            DeclareLaunchArgument("bundle", default_value="", description="policy folder"),
            DeclareLaunchArgument("policy", default_value="", description="one of the file's policies"),
            DeclareLaunchArgument("record", default_value="false", description="run the flight recorder"),
            DeclareLaunchArgument("namespace", default_value="", description="of all our nodes and topics"),
            DeclareLaunchArgument("autostart", default_value="true", description="activate at once"),
            DeclareLaunchArgument("view", default_value="false", description="serve the operator's page"),
            OpaqueFunction(function=_start),
        ]
    )
