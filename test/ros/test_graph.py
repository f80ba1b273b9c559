from __future__ import annotations

import itertools
import json
import runpy
import sys
import types
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from sag_ros.paths import config_file, share_file
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.ros.graph import DRIVERS, emulated, pick_release
from sag_ros.ros.parameters import ParameterError, given, load_file
from sag_ros.ros.schema import NODES
from sag_ros.ros.sections import Topics

# That arm rests on its command, and its controller takes it at once.
EXACT = {"limits.rest_error": 0.0025, "limits.command_error": 0.001, "limits.command_lag": 0.0}


def test_sim_graph_runs_both_nodes_without_franka():
    graph = pick_release()
    assert [node.name for node in graph.nodes] == ["sim_node", "policy_node"]
    assert graph.bringup is None
    assert graph.node("policy_node").lifecycle


def test_real_robot_replaces_only_the_simulator():
    graph = pick_release("fr3", robot_ip="172.16.0.2")
    assert [node.name for node in graph.nodes] == ["gripper_node", "policy_node"]
    simulated = pick_release().node("policy_node")
    assert simulated.parameters == EXACT
    assert graph.node("policy_node") == replace(simulated, parameters={})
    own = pick_release(parameter_file=pick_release().parameter_file)
    assert own.node("policy_node").parameters == {}
    assert graph.bringup.arguments["robot_ip"] == "172.16.0.2"
    assert Path(graph.bringup.arguments["controllers_yaml"]).is_file()


def test_our_own_driver_replaces_ros2_control_and_the_gripper_node():
    graph = pick_release("fr3", robot_ip="172.16.0.2", driver="fci")
    assert [node.name for node in graph.nodes] == ["fci_node", "policy_node"]
    assert graph.bringup is None
    assert graph.node("fci_node").parameters["robot_ip"] == "172.16.0.2"


def test_in_a_namespace_nodes_are_given_what_the_file_says():
    """A section ``policy_node`` is not found by ROS for ``/left/policy_node``, so parameters go along."""
    graph = pick_release(policy={"seed": 3}).recorded().within("/cell/left/")
    assert graph.namespace == "cell/left"
    for node in graph.nodes:
        arguments = node.ros_arguments(graph.parameter_file)
        assert "__ns:=/cell/left" in arguments
        assert "--params-file" not in arguments
        assert (
            node.all_parameters(graph.parameter_file).keys() >= given(graph.parameter_file, node.name).keys()
        )
    policy = graph.node("policy_node").all_parameters(graph.parameter_file)
    assert policy["seed"] == 3
    assert policy["splice.smoothing"] == 3.0


@pytest.mark.parametrize("namespace", ["", "/", "le ft", "left//arm", "1", "a/2b"])
def test_what_is_no_namespace_is_refused(namespace):
    with pytest.raises(ValueError, match="letters, digits and _"):
        pick_release().within(namespace)


def test_with_an_emulated_robot_only_its_joint_states_reach_the_policy():
    graph = emulated(policy={"seed": 3})
    assert [node.name for node in graph.nodes] == ["sim_node", "fci_node", "policy_node"]
    assert graph.node("sim_node").parameters["topics.joint_states"] != Topics().joint_states
    assert graph.node("sim_node").parameters["at_home"]
    assert graph.node("policy_node").parameters == {
        **EXACT,
        "limits.factor": 0.65,
        "limits.rest_error": 0.3,
        "topics.desired_states": "",
        "limits.resume_error": 0.3,
        "limits.tracking_error": 0.3,
        "seed": 3,
    }
    assert graph.node("fci_node").parameters["robot_ip"] == "127.0.0.1"


def test_a_flight_recorder_is_one_more_node_of_every_graph():
    kept = {"seconds": 5.0}
    real = [pick_release("fr3", robot_ip="1.2.3.4", driver=driver) for driver in DRIVERS]
    for graph in (one.recorded(kept) for one in (pick_release(), emulated(), *real)):
        assert [node.name for node in graph.nodes][-2:] == ["policy_node", "recorder_node"]
        recorder = graph.node("recorder_node")
        assert recorder.module == "sag_ros.ros.flight.node"
        assert load_file(graph.parameter_file, recorder.name, recorder.parameters).seconds == 5.0


def test_a_file_need_not_mention_the_flight_recorder(tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text("policy_node: {ros__parameters: {}}\n")
    assert load_file(file, "recorder_node", {"seconds": 9.0}).seconds == 9.0
    with pytest.raises(ParameterError, match="sim_node"):
        load_file(file, "sim_node")


def test_mistakes_say_what_to_do():
    with pytest.raises(ValueError, match="robot_ip:=<address"):
        pick_release("fr3")
    with pytest.raises(ValueError, match="sim, fr3"):
        pick_release("panda")
    with pytest.raises(ValueError, match="ros2_control, fci"):
        pick_release("fr3", robot_ip="172.16.0.2", driver="moveit")
    with pytest.raises(KeyError, match="sim_node, policy_node"):
        pick_release().node("camera")


def test_arguments_survive_a_yaml_parser():
    values = {"bundle": "y", "seed": 3, "autostart": True, "deadline": 0.05}
    node = pick_release(policy=values).node("policy_node")
    arguments = node.ros_arguments(Path("p.yaml"))
    given = dict(a.split(":=", 1) for flag, a in itertools.pairwise(arguments) if flag == "-p")
    found = {name: yaml.safe_load(value) for name, value in given.items()}
    assert found == {**values, **EXACT}
    assert json.loads(given["bundle"]) == "y"


def test_every_node_has_its_section_schema_and_executable():
    real = [pick_release("fr3", robot_ip="1.2.3.4", driver=driver) for driver in DRIVERS]
    for graph in (pick_release(), emulated(), *real):
        for node in graph.nodes:
            assert load_file(graph.parameter_file, node.name) is not None
            assert isinstance(load_file(graph.parameter_file, node.name), NODES[node.name])
            assert share_file("scripts", node.executable).is_file()


def test_the_page_stands_beside_any_graph(tmp_path):
    for graph in (pick_release(), emulated(), pick_release("fr3", robot_ip="1.2.3.4")):
        watched = graph.watched({"port": 9000})
        assert watched.nodes[:-1] == graph.nodes
        assert watched.nodes[-1].name == "view_node"
        assert load_file(graph.parameter_file, "view_node", watched.nodes[-1].parameters).port == 9000
    file = tmp_path / "others.yaml"  # a parameter file need not know of it
    file.write_text("policy_node: {ros__parameters: {}}\n")
    assert load_file(file, "view_node").host == "127.0.0.1"
    file.write_text("view_node: {ros__parameters: {prot: 1}}\n")
    with pytest.raises(ValueError, match="did you mean 'port'"):
        load_file(file, "view_node")


def test_both_nodes_agree_on_cameras_and_topics():
    file = pick_release().parameter_file
    policy, sim = load_file(file, "policy_node"), load_file(file, "sim_node")
    assert policy.cameras == sim.cameras
    assert policy.topics == sim.topics == Topics()


def test_controller_block_fits_what_is_published():
    blocks = next(iter(yaml.compose_all(config_file("fr3_controllers.yaml").read_text()))).value
    sections = {}
    for _, value in blocks:  # the same key three times: later ones would overwrite in a dict
        for name, body in value.value:
            sections[name.value] = yaml.safe_load(yaml.serialize(body))["ros__parameters"]
    name = FR3.controller
    assert name in sections["controller_manager"]
    controller = sections[name]
    assert tuple(controller["joints"]) == FR3.joints
    assert tuple(controller["gains"]) == FR3.joints
    assert controller["command_interfaces"] == ["effort"]
    assert not controller["allow_nonzero_velocity_at_trajectory_end"]
    assert Topics().trajectory == f"{name}/joint_trajectory"


class Action:
    """Stands in for everything of launch and launch_ros, which are not on PyPI: keeps its arguments."""

    def __init__(self, *arguments, **options):
        self.arguments, self.options = arguments, options


class Node(Action):
    pass


class LifecycleNode(Node):
    pass


class IncludeLaunchDescription(Action):
    pass


class LaunchConfiguration(Action):
    def perform(self, context):
        return context[self.arguments[0]]


def run_launch_file(monkeypatch, **given):
    """Execute the launch file; returns the declared arguments and the actions it makes of them."""
    contents = {
        "launch": ("LaunchDescription",),
        "launch.actions": ("DeclareLaunchArgument", "OpaqueFunction"),
        "launch.launch_description_sources": ("PythonLaunchDescriptionSource",),
        "launch.substitutions": ("PathJoinSubstitution",),
        "launch_ros": (),
        "launch_ros.actions": (),
        "launch_ros.substitutions": ("FindPackageShare",),
    }
    for name, members in contents.items():
        module = types.ModuleType(name)
        vars(module).update(dict.fromkeys(members, Action))
        monkeypatch.setitem(sys.modules, name, module)
    sys.modules["launch.actions"].IncludeLaunchDescription = IncludeLaunchDescription
    sys.modules["launch.substitutions"].LaunchConfiguration = LaunchConfiguration
    sys.modules["launch_ros.actions"].Node = Node
    sys.modules["launch_ros.actions"].LifecycleNode = LifecycleNode
    file = runpy.run_path(str(share_file("launch", "pick_release.launch.py")))
    parts = file["generate_launch_description"]().arguments[0]
    declared = {part.arguments[0]: part.options["default_value"] for part in parts if part.arguments}
    assert set(given) <= set(declared)
    return declared, parts[-1].options["function"]({**declared, **given})


def test_launch_starts_the_described_nodes(monkeypatch):
    _, actions = run_launch_file(monkeypatch, record="true")
    assert [(type(a), a.options["name"]) for a in actions] == [
        (Node, "sim_node"),
        (LifecycleNode, "policy_node"),
        (Node, "recorder_node"),
    ]
    policy = actions[1].options
    assert policy["package"] == "sag_ros"
    own = {**EXACT, "autostart": True}
    assert policy["parameters"] == [str(pick_release().parameter_file), own]


def test_launch_serves_the_page_if_asked(monkeypatch):
    _, actions = run_launch_file(monkeypatch, view="true", record="true")
    names = [action.options["name"] for action in actions]
    assert names == ["sim_node", "policy_node", "view_node", "recorder_node"]
    assert type(actions[2]) is Node


def test_launch_puts_our_nodes_into_a_namespace(monkeypatch):
    _, actions = run_launch_file(monkeypatch, namespace="left")
    for action in actions:
        assert action.options["namespace"] == "left"
        (parameters,) = action.options["parameters"]
        name = action.options["name"]
        assert parameters.keys() >= given(pick_release().parameter_file, name).keys()


def test_launch_brings_the_real_robot_up_with_our_controller(monkeypatch):
    _, actions = run_launch_file(
        monkeypatch, robot="fr3", robot_ip="10.0.0.2", bundle="mine", autostart="false", record="true"
    )
    include, spawner, gripper, policy, recorder = actions
    assert recorder.options["name"] == "recorder_node"
    arguments = dict(include.options["launch_arguments"])
    assert arguments["robot_ip"] == "10.0.0.2"
    assert arguments["controllers_yaml"].endswith("fr3_controllers.yaml")
    assert spawner.options["arguments"] == [FR3.controller]
    assert gripper.options["name"] == "gripper_node"
    assert policy.options["parameters"][1] == {"autostart": False, "bundle": "mine"}


def test_a_part_that_is_given_is_not_overruled_by_a_name_in_the_file(tmp_path):
    file = tmp_path / "two.yaml"
    policies = {"careful": {"bundle": "b", "mask_source": "dense"}}
    named = {"policy_node": {"ros__parameters": {"policies": policies, "policy": "careful"}}}
    file.write_text(yaml.safe_dump(named))

    def runs(**given):
        graph = pick_release(parameter_file=file, policy=given)
        config = load_file(file, "policy_node", graph.node("policy_node").parameters)
        return config.policy, config.bundle, config.sampler, config.mask_source

    assert runs() == runs(autostart=True) == ("careful", "b", "ddpm", "dense")
    assert runs(sampler="ddim10") == ("", "b", "ddim10", "dense")
    assert runs(bundle="mine") == ("", "mine", "ddpm", "dense")
    assert runs(policy="careful", bundle="mine") == runs()
