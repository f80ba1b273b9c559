from __future__ import annotations

import pytest
import yaml
from geometry_msgs.msg import Point, PointStamped

from sag_ros.paths import config_file
from sag_ros.robots.registry import find_arm
from sag_ros.ros.parameters import ParameterError, flatten, load_file, nest, table, validate
from sag_ros.ros.policy.signals.fields import FieldReader
from sag_ros.ros.schema import NODES, PolicyNode, SimNode


def test_defaults_are_valid_and_survive_flattening():
    for schema in NODES.values():
        flat = flatten(schema())
        assert validate(schema, flat) == schema()
        assert all(not isinstance(value, dict) for value in flat.values())


def test_unknown_name_is_refused_with_the_closest_and_the_known_ones():
    with pytest.raises(ParameterError) as error:
        validate(PolicyNode, {"watchdog.camra": 0.1})
    text = str(error.value)
    assert "unknown parameter 'watchdog.camra'" in text
    assert "did you mean 'camera'?" in text
    assert "joint_state" in text
    assert "deadman" in text


def test_unknown_name_inside_a_camera():
    with pytest.raises(ParameterError, match=r"'cameras\.front\.topics': did you mean 'topic'"):
        validate(PolicyNode, {"cameras.front.topics": "a", "cameras.front.topic": "a"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tick_rate", 0.0),
        ("tick_rate", "fast"),
        ("noise", "white"),
        ("limits.factor", 1.5),
        ("watchdog.camera", float("nan")),
        ("cameras.front.topic", ""),
        ("camera_qos.reliability", "sometimes"),
    ],
)
def test_bad_values_name_parameter_and_value(name, value):
    with pytest.raises(ParameterError, match=rf"{name} = {value!r}"):
        validate(PolicyNode, {name: value})


def test_every_problem_is_reported_at_once():
    with pytest.raises(ParameterError) as error:
        validate(SimNode, {"camera_rate": -1.0, "sed": 3})
    assert len(str(error.value).splitlines()) == 2


def test_foreign_ros_parameters_are_left_alone():
    assert validate(PolicyNode, {"use_sim_time": True, "qos_overrides./clock.depth": 3}) == PolicyNode()


def test_integers_are_accepted_where_a_number_is_wanted():
    assert validate(PolicyNode, {"tick_rate": 50}).tick_rate == 50.0


def test_a_value_cannot_be_a_group():
    with pytest.raises(ParameterError, match="value and a group"):
        nest({"splice": 1, "splice.lead": 2})


@pytest.mark.parametrize("node", list(NODES))
def test_shipped_file_is_valid(node):
    load_file(config_file("pick_release.yaml"), node)


@pytest.mark.parametrize("node", ["policy_node", "sim_node"])
def test_another_arm_takes_a_file_alone(node):
    config = load_file(config_file("ur5e.yaml"), node)
    assert config.arm == "ur5e"
    assert tuple(config.gripper.joints) == find_arm(config.arm).gripper.joints
    assert find_arm(config.arm).controller in config.topics.trajectory


def test_places_that_a_policy_observes_are_those_that_the_simulated_robot_tells():
    policy, sim = (load_file(config_file("places.yaml"), node) for node in ("policy_node", "sim_node"))
    assert {name: one.topic for name, one in policy.signals.items()} == {
        name: one.topic for name, one in sim.signals.items()
    }
    point = PointStamped(point=Point(x=1.0, y=2.0, z=3.0))
    for name, expected in (("bag", [1.0, 2.0, 3.0]), ("zone", [1.0, 2.0])):
        one = policy.signals[name]
        reader = FieldReader(one.type, one.fields, len(expected), one.scale)
        assert reader.values(point).tolist() == expected


def test_file_errors_name_the_file(tmp_path):
    path = tmp_path / "typo.yaml"
    path.write_text(yaml.safe_dump({"policy_node": {"ros__parameters": {"engin": "auto"}}}))
    with pytest.raises(ParameterError, match=r"typo\.yaml, policy_node:\n.*did you mean 'engine'"):
        load_file(path, "policy_node")
    with pytest.raises(ParameterError, match="no 'sim_node: ros__parameters:' section"):
        load_file(path, "sim_node")
    path.write_text("a: [")
    with pytest.raises(ParameterError, match=r"typo\.yaml"):
        load_file(path, "policy_node")


def test_the_documented_table_is_up_to_date():
    assert config_file("parameters.md").read_text() == table(), (
        "run: python -m sag_ros.ros.parameters > config/parameters.md"
    )


def test_every_parameter_is_documented():
    rows = [line for line in table().splitlines() if line.startswith("| `")]
    own = [line for line in rows if "<name>" not in line]
    assert len(own) == sum(len(flatten(schema())) for schema in NODES.values())
    assert {"`signals.<name>.fields`", "`policies.<name>.bundle`"} <= {row.split(" ")[1] for row in rows}
    assert all(line.split(" | ")[-1].strip(" |") for line in rows)
