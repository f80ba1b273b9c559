from __future__ import annotations

import json
import time

import numpy as np
import pytest
from geometry_msgs.msg import PointStamped
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from sensor_msgs.msg import CompressedImage, Image, JointState
from std_msgs.msg import String
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from sag_ros.messages.images import to_rgb
from sag_ros.messages.joints import JointReader
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.ros import qos
from sag_ros.ros.joints import TrajectoryWriter, write_gripper_command
from sag_ros.ros.sim.episode_log import load_episode
from sag_ros.ros.sim.node import SimNode
from sag_ros.ros.stamps import StampClock
from sag_ros.values import JointCommand


class Listener(Node):
    def __init__(self, wrist_kind):
        super().__init__("listener")
        self.newest = {}
        topics = {
            "front": (Image, "front/image_raw"),
            "wrist": (wrist_kind, "wrist/image_raw"),
            "arm": (JointState, "franka/joint_states"),
            "fingers": (JointState, "franka_gripper/joint_states"),
            "status": (String, "sim_node/task_status"),
            "bag": (PointStamped, "bag/point"),
        }
        for name, (kind, topic) in topics.items():
            self.create_subscription(
                kind, topic, lambda m, name=name: self.newest.update({name: m}), qos.NEWEST
            )
        self.trajectory = self.create_publisher(
            JointTrajectory, "fr3_arm_controller/joint_trajectory", qos.COMMAND
        )
        self.gripper = self.create_publisher(JointState, "franka_gripper/command", qos.STATE)
        self.reset = self.create_client(Trigger, "sim_node/reset")

    @property
    def status(self):
        return json.loads(self.newest["status"].data) if "status" in self.newest else {}


class World:
    def __init__(self, folder, compressed):
        values = {
            "seed": 40, "camera_rate": 10.0, "log_folder": str(folder), "status_rate": 20.0,
            "cameras.front.topic": "front/image_raw", "cameras.wrist.topic": "wrist/image_raw",
            "cameras.wrist.compressed": compressed, "signals.bag.topic": "bag/point",
        }  # fmt: skip
        self.sim = SimNode(parameter_overrides=[Parameter(name, value=v) for name, v in values.items()])
        self.ear = Listener(CompressedImage if compressed else Image)
        self._executor = SingleThreadedExecutor()
        for node in (self.sim, self.ear):
            self._executor.add_node(node)

    def until(self, done, seconds=25.0):
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline, (self.ear.status, self.sim.failed)
            assert not self.sim.failed
            self._executor.spin_once(timeout_sec=0.05)

    def reset(self):
        future = self.ear.reset.call_async(Trigger.Request())
        self.until(future.done)
        return json.loads(future.result().message)

    def close(self):
        self.sim.close()
        self.ear.destroy_node()
        self._executor.shutdown()


@pytest.fixture
def world(domain, tmp_path, request):
    world = World(tmp_path, getattr(request, "param", False))
    yield world
    world.close()


@pytest.mark.parametrize("world", [False, True], indirect=True, ids=["raw", "jpeg"])
def test_it_speaks_the_topics_of_franka_ros2_and_two_cameras(world):
    world.until(lambda: len(world.ear.newest) == 6)
    newest = world.ear.newest
    assert tuple(newest["arm"].name) == FR3.joints
    assert newest["fingers"].name == ["fr3_finger_joint1", "fr3_finger_joint2"]
    assert list(newest["fingers"].position) == pytest.approx([0.04, 0.04], abs=2e-3)
    pictures = [to_rgb(newest[name], 84, 84) for name in ("front", "wrist")]
    assert pictures[0].shape == (84, 84, 3)
    assert all(picture.std() > 10 for picture in pictures)
    assert not np.array_equal(*pictures)
    now = world.sim.get_clock().now().nanoseconds / 1e9
    bag = newest["bag"].point
    assert 0.2 < bag.x < 0.8 and abs(bag.y) < 0.5 and 0.0 < bag.z < 0.2
    for name in ("front", "wrist", "arm", "fingers", "bag"):
        stamp = newest[name].header.stamp
        assert -0.1 < now - stamp.sec - stamp.nanosec / 1e9 < 10.0


def test_resets_count_episodes_and_seeds_and_write_logs(world, tmp_path):
    assert world.reset() == {"episode": 0, "seed": 40}
    world.until(lambda: world.ear.status.get("episode") == 0 and len(world.sim._loop.log) > 5)
    assert world.ear.status["limit_violations"] == 0
    assert world.reset() == {"episode": 1, "seed": 41}
    log = load_episode(tmp_path / "episode_000.npz")
    assert log.seed == 40
    assert len(log.stamp) > 5


def test_it_executes_trajectories_and_gripper_commands(world):
    world.reset()
    world.until(lambda: "arm" in world.ear.newest)
    q = JointReader(FR3.joints).positions(world.ear.newest["arm"])
    clock = StampClock(lambda: world.ear.get_clock().now().nanoseconds)
    u = np.linspace(0, 1, 101)[:, None]
    goal = np.array([0.2, 0, 0, 0, 0, 0, -0.2])
    command = JointCommand(
        clock.now() + 0.01 * np.arange(101),
        q + (10 * u**3 - 15 * u**4 + 6 * u**5) * goal,
        (30 * u**2 - 60 * u**3 + 30 * u**4) * goal,
        (60 * u - 180 * u**2 + 120 * u**3) * goal,
    )
    world.ear.trajectory.publish(TrajectoryWriter(FR3.joints).write(command, clock))
    world.ear.gripper.publish(write_gripper_command(JointState(), 0.02, 0.1, 0.0, "fr3_finger_joint1"))
    reader = JointReader(FR3.joints)
    world.until(lambda: np.abs(reader.positions(world.ear.newest["arm"]) - q - goal).max() < 0.02)
    world.until(lambda: sum(world.ear.newest["fingers"].position) < 0.03)
    bad = TrajectoryWriter(FR3.joints[::-1]).write(command, clock)
    bad.joint_names = ["elbow", *bad.joint_names[1:]]
    world.ear.trajectory.publish(bad)
    time_before = world.ear.status["time"]
    world.until(lambda: world.ear.status["time"] > time_before + 0.2)  # still alive
