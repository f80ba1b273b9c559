"""A robot and cameras that exist only as messages, and a policy node to try on them."""

from __future__ import annotations

import array
import time
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.duration import Duration
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CompressedImage, Image, JointState
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory

from sag_ros.messages.trajectories import command_from_trajectory
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.ros import qos
from sag_ros.ros.images import image_to_mask
from sag_ros.ros.policy import chunk_record
from sag_ros.ros.policy.node import PolicyNode
from sag_ros.ros.stamps import StampClock
from sag_ros.sim.trajectory_controller import JointTrajectoryController

JOINTS = list(FR3.joints)
FINGERS = ["fr3_finger_joint1", "fr3_finger_joint2"]


class FakeRobot(Node):
    """Publishes joints and images like a robot would; what it publishes can be spoilt from the outside."""

    def __init__(self, rate: float = 30.0, compressed: bool = False) -> None:
        super().__init__("fake_robot")
        self._stamps = StampClock(lambda: self.get_clock().now().nanoseconds)
        self.controller = JointTrajectoryController(FR3.home)
        self.order = list(range(7))
        self.cameras = {"front": True, "wrist": True}
        self.joints = self.fingers = True
        self.encoding, self.size, self.nan = "rgb8", (28, 28), False
        self.stuck, self.black, self.shift, self._picture = False, False, 0.0, 0
        self.commands, self.gripper, self.masks, self.records = [], [], [], []
        self.diagnostics = None
        self._compressed = compressed
        kind = CompressedImage if compressed else Image
        camera_qos = qos.NEWEST
        self._images = {
            name: self.create_publisher(kind, f"{name}/image_raw", camera_qos) for name in self.cameras
        }
        self._arm = self.create_publisher(JointState, "franka/joint_states", qos.STATE)
        self._hand = self.create_publisher(JointState, "franka_gripper/joint_states", qos.STATE)
        self.create_subscription(
            JointTrajectory, "fr3_arm_controller/joint_trajectory", self._accept, qos.COMMAND
        )
        self.create_subscription(JointState, "franka_gripper/command", self.gripper.append, qos.STATE)
        self.create_subscription(
            Image, "policy_node/mask", lambda m: self.masks.append(image_to_mask(m)), qos.STATE
        )
        self.create_subscription(
            Float64MultiArray, "policy_node/timing",
            lambda m: self.records.append(chunk_record.read(m)), QoSProfile(depth=50),
        )  # fmt: skip
        self.create_subscription(DiagnosticArray, "/diagnostics", self._hear, qos.STATE)
        self.create_timer(0.01, self.publish_joints)
        self.create_timer(1.0 / rate, self.publish_images)

    def now(self) -> float:
        return self._stamps.now()

    def _hear(self, message: DiagnosticArray) -> None:
        if not message.status[0].name.startswith("recorder_node"):
            self.diagnostics = message.status[0]

    @property
    def message(self) -> str:
        return "" if self.diagnostics is None else self.diagnostics.message

    def _accept(self, message: JointTrajectory) -> None:
        if not message.points:  # what a test sends to be told from ours
            return
        command = command_from_trajectory(message, JOINTS, self._stamps, self.now())
        self.commands.append(command)
        self.controller.accept(command, self.now())

    def publish_joints(self) -> None:
        stamp = (self.get_clock().now() + Duration(nanoseconds=round(1e9 * self.shift))).to_msg()
        q, v, _ = self.controller.sample(self.now())
        if self.joints:
            message = JointState(name=[JOINTS[i] for i in self.order])
            message.header.stamp = stamp
            message.position = [float(q[i]) for i in self.order]
            message.velocity = [float(v[i]) for i in self.order]
            if self.nan:
                message.position[2] = float("nan")
            self._arm.publish(message)
        if self.fingers:
            message = JointState(name=FINGERS, position=[0.04, 0.04])
            message.header.stamp = stamp
            self._hand.publish(message)

    def publish_images(self) -> None:
        stamp = (self.get_clock().now() + Duration(nanoseconds=round(1e9 * self.shift))).to_msg()
        height, width = self.size
        channels = 1 if self.encoding == "mono8" else 3
        if not self.stuck:
            self._picture += 1
        pixels = np.random.default_rng(self._picture).integers(
            0, 255, (height, width, channels), dtype=np.uint8
        )
        pixels = 0 * pixels if self.black else pixels
        for name, on in self.cameras.items():
            if not on:
                continue
            if self._compressed:
                data = cv2.imencode(".jpg", pixels)[1].tobytes()
                message = CompressedImage(format="jpeg", data=array.array("B", data))
            else:
                message = Image(height=height, width=width, encoding=self.encoding, step=width * channels)
                message.data = array.array("B", pixels.tobytes())
            message.header.stamp = stamp
            self._images[name].publish(message)


def spin_until(executor, done, seconds: float) -> bool:
    """Spin until ``done()``; False when it did not come true."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        executor.spin_once(timeout_sec=0.05)
    return True


class Bench:
    """A policy node and a fake robot, spun by the test itself."""

    def __init__(self, bundle, robot: FakeRobot | None = None, **changes) -> None:
        values = {
            "bundle": str(bundle), "engine": "reference", "mask_source": "random30", "sampler": "ddim2",
            "warm_up": 1, "splice.jump": 6.0, "diagnostics_rate": 20.0, "watchdog.observation": 2.0,
            "watchdog.camera": 1.0, "watchdog.joint_state": 1.0, "watchdog.gripper_state": 1.0,
        } | {name.replace("__", "."): value for name, value in changes.items()}  # fmt: skip
        overrides = [Parameter(name, value=value) for name, value in values.items() if value is not None]
        self.policy = PolicyNode(parameter_overrides=overrides)
        self.robot = robot
        self._executor = SingleThreadedExecutor()
        for node in filter(None, (self.policy, robot)):
            self._executor.add_node(node)

    def until(self, done, seconds: float = 20.0) -> bool:
        """Spin until ``done()``; False when it did not come true."""
        return spin_until(self._executor, done, seconds)

    def activate(self) -> None:
        from rclpy.lifecycle import TransitionCallbackReturn

        success = TransitionCallbackReturn.SUCCESS
        assert self.policy.trigger_configure() == success, self.problem
        assert self.until(lambda: self.trigger_activate() == success or self._pause()), self.problem

    def trigger_activate(self):
        """Activate while the robot goes on telling where it is, which the policy waits for."""
        return self.beside(self.policy.trigger_activate)

    def beside(self, act):
        """What ``act()`` returns, the joints being told meanwhile."""
        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(act)
            while not done.done():
                if self.robot is not None:
                    self.robot.publish_joints()
                time.sleep(0.005)
            return done.result()

    def _pause(self) -> bool:
        for _ in range(10):
            self._executor.spin_once(timeout_sec=0.02)
        return False

    @property
    def problem(self) -> str:
        return self.policy._problem

    def close(self) -> None:
        self.policy.close()
        if self.robot is not None:
            self.robot.destroy_node()
        self._executor.shutdown()
