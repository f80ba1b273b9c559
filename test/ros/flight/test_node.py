"""The recorder beside a running policy node."""

from __future__ import annotations

import json

import pytest
from flight_bench import FlightBench
from rclpy.lifecycle import TransitionCallbackReturn
from rosbags.rosbag2 import Reader
from rosbags.typesys import Stores, get_typestore
from std_msgs.msg import String
from std_srvs.srv import Trigger

from sag_ros.flight.reading import open_recording

STORE = get_typestore(Stores.ROS2_JAZZY)


def test_a_fault_leaves_a_file_that_rosbags_reads(recording):
    assert "_fault" in recording.name
    with Reader(recording) as reader:
        counts = {one.topic: one.msgcount for one in reader.connections}
        for topic in (
            "/franka/joint_states", "/franka_gripper/joint_states", "/front/image_raw", "/wrist/image_raw",
            "/fr3_arm_controller/joint_trajectory", "/policy_node/timing", "/policy_node/mask",
            "/policy_node/chunk", "/policy_node/policy", "/diagnostics", "/recorder_node/marks",
        ):  # fmt: skip
            assert counts[topic] > 0, topic
        chunks = [
            STORE.deserialize_cdr(data, one.msgtype)
            for one, _, data in reader.messages()
            if one.topic == "/policy_node/chunk"
        ]
    assert chunks[0].layout.dim[0].label.startswith("chunk,")
    metadata = open_recording(recording).metadata
    assert "forced by a test" in metadata["sag_ros.recording"]["reason"]
    assert json.loads(metadata["sag_ros.parameters"]["policy_node"])["sampler"] == "ddim2"
    assert len(metadata["sag_ros.policy"]["weights_sha256"]) == 64
    assert "cpu" in json.loads(metadata["sag_ros.recording"]["machine"])


@pytest.fixture
def bench(domain, bundle, tmp_path):
    bench = FlightBench(bundle, tmp_path / "kept", {"task_status": "task"})
    yield bench
    bench.close()


def ask(bench, name: str) -> Trigger.Response:
    client = bench.robot.create_client(Trigger, f"/recorder_node/{name}")
    assert bench.until(client.service_is_ready)
    answer = client.call_async(Trigger.Request())
    assert bench.until(answer.done)
    return answer.result()


def test_what_operator_and_task_say_of_an_episode(bench):
    status = bench.robot.create_publisher(String, "task", 10)
    told = {"episode": 3, "seed": 5, "success": False, "message": "reaching"}
    bench.robot.create_timer(0.05, lambda: status.publish(String(data=json.dumps(told))))
    bench.begin(chunks=2)
    events = bench.recorder.events
    assert bench.until(lambda: events.episode == 3)
    assert ask(bench, "success").message == "success of episode 3"
    assert ask(bench, "save").success
    first = open_recording(bench.saved()).metadata["sag_ros.recording"]
    assert (first["outcome"], first["episode"], first["seed"]) == ("success", "3", "5")
    told["episode"] = 4
    assert bench.until(lambda: events.episode == 4)
    assert bench.recorder.saver.state.count == 1
    bench.policy.trigger_deactivate()  # without success, and nobody said otherwise
    path = bench.saved(2)
    assert path.name.endswith("_failure.mcap")
    assert "episode 4: reaching" in open_recording(path).metadata["sag_ros.recording"]["reason"]


def test_its_ear_is_no_controller_and_no_hand(bench):
    policy, robot = bench.policy, bench.robot
    assert policy.trigger_configure() == TransitionCallbackReturn.SUCCESS
    assert bench.until(lambda: bench.recorder._tap is not None)
    diagnosis = policy._diagnosis
    assert bench.until(lambda: not diagnosis.unheard())
    ours = "/fr3_arm_controller/joint_trajectory", "/franka_gripper/command"
    for subscription in [one for one in robot.subscriptions if one.topic_name in ours]:
        robot.destroy_subscription(subscription)
    assert bench.until(lambda: "nobody takes commands" in diagnosis.unheard())
    assert bench.until(lambda: "nobody takes commands of the hand" in str(diagnosis._hand_cause(0.0)))
    assert policy.count_subscribers(ours[0]) == policy.count_subscribers(ours[1]) == 1


def test_it_says_what_it_keeps_and_that_it_cannot_write(bench):
    said = []
    bench.recorder._diagnostics.publish = lambda *status: said.append(status)
    assert bench.until(lambda: said and said[-1][1].startswith("the last "))
    bench.recorder.saver._folder.quota = 100
    ask(bench, "save")
    assert bench.until(lambda: "quota" in said[-1][1]), said[-1]
    assert bench.until(lambda: said[-1][2]["messages"] > 0)
