from __future__ import annotations

from geometry_msgs.msg import PointStamped
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image

from sag_ros.policy.contract_file import parse_contract
from sag_ros.policy.random_bundle import SMALL, full_contract
from sag_ros.ros.flight.plan import Source, sources, topic_of, type_name
from sag_ros.ros.schema import PolicyNode

CONTRACT = parse_contract({**full_contract(), "cameras": SMALL["cameras"]})


def test_all_that_a_policy_hears_and_says():
    found = sources("left/policy_node", PolicyNode(), CONTRACT, "task")
    assert {name for name in found if name.startswith("camera ")} == {"camera front", "camera wrist"}
    assert found["chunk"].topic == "left/policy_node/chunk"
    assert found["task_status"].topic == "task"
    assert "deadman" not in found
    for role in ("trajectory", "gripper_command", "chunk", "timing", "mask"):
        assert found[role].qos(50).reliability == ReliabilityPolicy.RELIABLE
    for role in ("camera front", "joint_states", "desired_states"):  # nobody waits for us
        assert found[role].qos(50).reliability == ReliabilityPolicy.BEST_EFFORT
    latched = found["policy"].qos(50)
    assert (latched.durability, latched.depth) == (DurabilityPolicy.TRANSIENT_LOCAL, 1)
    assert found["joint_states"].qos(50).depth == 50


def test_pictures_that_are_compressed_stay_so_and_topics_may_be_shared_or_absent():
    cameras = {"front": {"topic": "f", "compressed": True}, "wrist": {"topic": "w"}}
    topics = {"joint_states": "j", "gripper_states": "j", "desired_states": "", "deadman": "d"}
    config = PolicyNode.model_validate({"cameras": cameras, "topics": topics})
    found = sources("policy_node", config, CONTRACT, "")
    assert (found["camera front"].message, found["camera front"].keep) == (CompressedImage, None)
    assert (found["camera wrist"].message, found["camera wrist"].keep is None) == (Image, False)
    assert "deadman" in found
    assert not {"gripper_states", "desired_states", "task_status"} & set(found)


def test_signals_have_the_type_that_the_parameters_say():
    observed = {"signals": {"object": {"size": 3}}, "state": ["joint_position", "gripper_width", "object"]}
    contract = parse_contract({**full_contract(), "cameras": SMALL["cameras"], **observed})
    signal = {"topic": "o", "type": "geometry_msgs/msg/PointStamped", "fields": ["point"]}
    config = PolicyNode.model_validate({"signals": {"object": signal}})
    found = sources("policy_node", config, contract, "")["signal object"]
    assert (found.topic, found.message) == ("o", PointStamped)


def test_without_a_contract_pictures_are_kept_as_they_come():
    assert sources("policy_node", PolicyNode(), None, "")["camera front"].keep is None


def test_names_for_a_recording():
    assert type_name(Image) == "sensor_msgs/msg/Image"
    assert topic_of(Source("f", Image), "/f").type == "sensor_msgs/msg/Image"
