"""From what is heard on a graph to the figures that are shown."""

from __future__ import annotations

import json

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory

from sag_ros.control.motion import of_command
from sag_ros.messages.stamps import SECOND
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.ros import qos
from sag_ros.ros.graph import TOPICS
from sag_ros.ros.joints import TrajectoryWriter, write_joint_state
from sag_ros.ros.latency.command import LatencyTest, show
from sag_ros.ros.latency.listener import Heard, Listener
from sag_ros.ros.latency.measured import measure
from sag_ros.ros.policy import chunk_record
from sag_ros.ros.policy.chunk_record import ChunkRecord
from sag_ros.ros.schema import PolicyNode
from sag_ros.ros.stamps import StampClock
from sag_ros.values import JointCommand

EPOCH = 1_700_000_000 * SECOND


def record(published: float, **changes: float) -> ChunkRecord:
    values = {
        "publish_stamp": EPOCH / SECOND + published,
        "latency_ms": 30.0,
        "pruner_ms": 2.0,
        "received_ms": 5.0,
        "encoded_ms": 10.0,
        "begun_ms": 11.0,
        "denoised_ms": 25.0,
        "spliced_ms": 28.0,
    }
    return ChunkRecord(**{**values, **changes})


def test_every_stage_of_every_chunk() -> None:
    heard = Heard(records=[record(0.02 * k) for k in range(30)])
    still = of_command(JointCommand(np.array([0.0, 1.0]), *(np.zeros((2, 7)) for _ in range(3))))
    heard.trajectories = [(0.02 * k + 0.003, still) for k in range(30)]
    found = measure(heard, 10.0, EPOCH)
    medians = {name: float(np.median(values)) for name, values in found.stages.items()}
    expected = {
        "received": 5.0, "encoded": 5.0, "begun": 1.0, "pruned": 2.0,
        "denoised": 12.0, "spliced": 3.0, "published": 2.0, "taken": 3.0,
    }  # fmt: skip
    assert medians == pytest.approx(expected, abs=2e-3)
    assert found.executed == 30


def test_what_a_graph_does_not_report_is_not_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    unknown = dict.fromkeys(("received_ms", "encoded_ms", "begun_ms", "denoised_ms", "spliced_ms"), np.nan)
    found = measure(Heard(records=[record(0.1, **unknown), record(0.2, refused=1)]), 1.0, EPOCH)
    assert list(found.stages) == ["published"]
    assert (found.chunks, found.executed, found.fci) == (2, 1, {})
    content = found.to_json()
    assert content["fci"] == "not reported"
    assert content["motion_lag_ms"]["value"] is None
    json.dumps(content, allow_nan=False)
    show("no load", found)
    assert "not reported" in capsys.readouterr().out


def test_refused_and_missed_chunks_are_counted() -> None:
    heard = Heard(records=[record(0.1, missed=1), record(0.2), record(0.3, refused=1)])
    heard.statuses = {
        "policy_node: policy": {"engine": "native"},
        "fci_node: robot": {"lost_cycles": "3", "control_command_success_rate": "1"},
    }
    found = measure(heard, 1.0, EPOCH)
    assert (found.missed, found.fci["lost_cycles"]) == (1, "3")


def test_the_lag_and_the_ages_come_from_joint_states() -> None:
    seconds, late = 6.0, 0.02
    time = np.arange(0.0, seconds, 0.01)

    def motion(t: np.ndarray) -> tuple[np.ndarray, ...]:
        w = np.array([2.0, 1.5, 1.0, 1.2, 0.8, 1.1, 0.9])
        t = np.asarray(t)[:, None]
        return 0.3 * np.sin(w * t), 0.3 * w * np.cos(w * t), -0.3 * w * w * np.sin(w * t)

    heard = Heard(trajectories=[(0.0, of_command(JointCommand(time, *motion(time))))])
    stamps = np.arange(0.1, seconds - 0.1, 0.004)
    heard.joints = [
        (t, t + 0.0015, q) for t, q in zip(stamps.tolist(), motion(stamps - late)[0], strict=True)
    ]
    found = measure(heard, seconds, EPOCH)
    assert found.lag.value == pytest.approx(20.0, abs=0.3)
    assert found.offsets["joint states"]["smallest"] == pytest.approx(1.5, abs=1e-6)


def test_the_listener_hears_a_graph(domain) -> None:
    listener = Listener(PolicyNode(), FR3.joints)
    other = Node("graph")
    create = other.create_publisher
    topics = PolicyNode().topics
    publishers = [
        (
            create(Float64MultiArray, TOPICS["timing"], 10),
            chunk_record.write(record(1.0), chunk_record.new_message()),
        ),
        (create(JointState, topics.joint_states, qos.STATE), JointState(name=list(FR3.joints))),
        (create(DiagnosticArray, "/diagnostics", qos.STATE), DiagnosticArray()),
        (create(Image, "front/image_raw", qos.NEWEST), Image()),
    ]
    write_joint_state(publishers[1][1], np.array(FR3.home), np.zeros(7))
    status = DiagnosticStatus(name="fci_node: robot", values=[KeyValue(key="cycles", value="7")])
    publishers[2][1].status = [status]
    clock = StampClock(lambda: other.get_clock().now().nanoseconds)
    rows = [np.tile(FR3.home, (2, 1)), np.zeros((2, 7)), np.zeros((2, 7))]
    trajectory = TrajectoryWriter(FR3.joints).write(JointCommand(np.array([0.0, 0.1]), *rows), clock)
    publishers.append((create(JointTrajectory, topics.trajectory, qos.COMMAND), trajectory))
    executor = SingleThreadedExecutor()
    for node in (listener, other):
        executor.add_node(node)
    heard = listener.heard
    for _ in range(600):
        for publisher, message in publishers:
            publisher.publish(message)
        executor.spin_once(timeout_sec=0.05)
        if all((heard.records, heard.joints, heard.statuses, heard.frames["front"], heard.trajectories)):
            break
    assert heard.records[0].latency_ms == 30.0
    np.testing.assert_array_equal(heard.joints[0][2], FR3.home)
    assert heard.statuses["fci_node: robot"] == {"cycles": "7"}
    assert heard.frames["front"]
    assert heard.trajectories
    executor.shutdown()
    listener.destroy_node()
    other.destroy_node()


@pytest.mark.parametrize("wrong", [{"seconds": 0.0}, {"chunks": -1}, {"stress": -1}])
def test_wrong_options(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="--seconds"):
        LatencyTest(**wrong).run()
