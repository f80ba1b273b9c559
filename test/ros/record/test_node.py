"""Episodes from a robot that somebody moves."""

from __future__ import annotations

import numpy as np
import pytest
from fake_robot import FakeRobot, spin_until
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import JointState

from sag_ros.data.demonstrations import Demonstrations
from sag_ros.policy.contract_file import parse_contract
from sag_ros.policy.random_bundle import SMALL, full_contract
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.ros import qos
from sag_ros.ros.record.node import Recorder
from sag_ros.ros.schema import PolicyNode

CONTRACT = parse_contract({**full_contract(), "cameras": SMALL["cameras"]})
AGES = dict.fromkeys(("observation", "camera", "joint_state", "gripper_state", "cameras_apart"), 2.0)


class Guided(FakeRobot):
    """Also tells what its controller follows, and hears a hand."""

    def __init__(self) -> None:
        super().__init__()
        self.told = True
        self._desired = self.create_publisher(JointState, "desired", qos.STATE)
        self.hand = self.create_publisher(JointState, "franka_gripper/command", qos.STATE)
        self.create_timer(0.01, self.publish_desired)

    def publish_desired(self) -> None:
        message = JointState(name=list(FR3.joints), position=(FR3.home + 0.01).tolist())
        message.header.stamp = self.get_clock().now().to_msg()
        if self.told:
            self._desired.publish(message)


class Bench:
    def __init__(self, out, actions: str = "commanded") -> None:
        config = PolicyNode(topics={"desired_states": "desired"}, watchdog=AGES)
        self.robot = Guided()
        self.recorder = Recorder(config, CONTRACT, out, actions, "fold")
        self._executor = SingleThreadedExecutor()
        for node in (self.robot, self.recorder):
            self._executor.add_node(node)

    def until(self, done, seconds: float = 20.0) -> bool:
        return spin_until(self._executor, done, seconds)

    def record(self, frames: int = 5) -> None:
        assert self.until(lambda: self.recorder.begin()[0]), self.recorder.begin()
        assert self.until(lambda: self.recorder._tape is not None and len(self.recorder._tape) >= frames)

    def close(self) -> None:
        self.recorder.close()
        self.robot.destroy_node()
        self._executor.shutdown()


@pytest.fixture
def bench(domain, tmp_path, request):
    bench = Bench(tmp_path / "d.zarr", getattr(request, "param", "commanded"))
    yield bench
    bench.close()


def test_what_is_kept_is_in_the_store(bench, tmp_path):
    recorder = bench.recorder
    assert recorder.keep() == (False, "nothing is being recorded: begin an episode")
    bench.record()
    assert "keep or discard it" in recorder.begin()[1]
    finger = JointState(name=["fr3_finger_joint1"], position=[0.01], velocity=[0.1], effort=[0.0])
    bench.robot.hand.publish(finger)
    assert bench.until(lambda: recorder._width is not None)
    count = len(recorder._tape)
    assert bench.until(lambda: len(recorder._tape) > count + 2)
    kept, said = recorder.keep()
    assert kept, said
    bench.record()
    assert recorder.discard()[0]
    bench.record()
    assert recorder.keep()[0]
    found = Demonstrations(tmp_path / "d.zarr")
    assert len(found.ends) == recorder.episodes == 2
    assert found.cameras == ["front", "wrist"]
    assert found.images("front").shape[1:] == (28, 28, 3)
    np.testing.assert_allclose(found.state[0], np.r_[FR3.home, 0.08], atol=1e-3)
    np.testing.assert_allclose(found.action[0][:7], FR3.home + 0.01, atol=1e-6)
    assert found.action[found.ends[0] - 1][7] == pytest.approx(0.02)
    assert found.attributes["task"] == "fold"


def test_a_gap_gives_the_episode_up_with_the_reason(bench):
    bench.record()
    bench.robot.told = False
    assert bench.until(lambda: bench.recorder.last.startswith("gave up an episode"))
    assert "what the controller follows; record --actions measured" in bench.recorder.last
    assert "cannot begin: nobody tells on /desired" in bench.recorder.begin()[1]
    bench.robot.told = True
    bench.record()


@pytest.mark.parametrize("bench", ["measured"], indirect=True)
def test_an_arm_that_is_guided_by_hand(bench, tmp_path):
    bench.robot.told = False
    bench.record()
    assert bench.recorder.keep()[0]
    found = Demonstrations(tmp_path / "d.zarr")
    np.testing.assert_allclose(found.action[:, :7], np.tile(FR3.home, (len(found), 1)), atol=1e-3)
