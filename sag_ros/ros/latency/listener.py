"""What is heard on a running graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CompressedImage, Image, JointState
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory

from sag_ros.control.motion import Motion, of_command
from sag_ros.messages.errors import MessageError
from sag_ros.messages.joints import JointReader
from sag_ros.messages.trajectories import command_from_trajectory
from sag_ros.ros import qos
from sag_ros.ros.graph import TOPICS
from sag_ros.ros.policy import chunk_record
from sag_ros.ros.policy.chunk_record import ChunkRecord
from sag_ros.ros.schema import PolicyNode
from sag_ros.ros.stamps import StampClock
from sag_ros.values import Float


@dataclass
class Heard:
    """Everything that was heard; times in s on the stamps' clock since the listener began.

    Attributes:
        records: of chunks.
        trajectories: (when it arrived, its motion).
        joints: (stamp, when it arrived, (J,) position).
        frames: camera -> (stamp, when it arrived).
        statuses: name of a diagnostic status -> its values, the newest.
    """

    records: list[ChunkRecord] = field(default_factory=list)
    trajectories: list[tuple[float, Motion]] = field(default_factory=list)
    joints: list[tuple[float, float, Float]] = field(default_factory=list)
    frames: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    statuses: dict[str, dict[str, str]] = field(default_factory=dict)


class Listener(Node):
    """Subscribes what a policy node hears and says. ``heard`` fills up.

    Args:
        config: of the policy node: topics and cameras.
        joints: names.
        source: ROS time in ns, for tests.
    """

    def __init__(
        self, config: PolicyNode, joints: Sequence[str], source: Callable[[], int] | None = None
    ) -> None:
        super().__init__("latency_listener")
        self._joints = joints
        self._reader = JointReader(joints)
        self.clock = StampClock(source or (lambda: self.get_clock().now().nanoseconds))
        self.heard = Heard(frames={name: [] for name in config.cameras})
        topics, deep = config.topics, QoSProfile(depth=50)
        self.create_subscription(Float64MultiArray, TOPICS["timing"], self._on_timing, deep)
        self.create_subscription(JointTrajectory, topics.trajectory, self._on_trajectory, qos.COMMAND)
        self.create_subscription(JointState, topics.joint_states, self._on_joints, qos.STATE)
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, qos.STATE)
        for name, camera in config.cameras.items():
            kind = CompressedImage if camera.compressed else Image
            self.create_subscription(
                kind, camera.topic, lambda message, name=name: self._on_frame(name, message), qos.NEWEST
            )

    def forget(self) -> None:
        """Begin anew."""
        self.heard = Heard(frames={name: [] for name in self.heard.frames})

    def _on_timing(self, message: Float64MultiArray) -> None:
        self.heard.records.append(chunk_record.read(message))

    def _on_trajectory(self, message: JointTrajectory) -> None:
        now = self.clock.now()
        try:
            command = command_from_trajectory(message, self._joints, self.clock, now)
        except MessageError as error:
            self.get_logger().warning(f"trajectory: {error}", throttle_duration_sec=5.0)
            return
        self.heard.trajectories.append((now, of_command(command)))

    def _on_joints(self, message: JointState) -> None:
        now = self.clock.now()
        if self._reader.concerns(message):
            try:
                position = np.array(self._reader.positions(message))
            except MessageError:
                return
            self.heard.joints.append((self.clock.seconds(message.header.stamp), now, position))

    def _on_frame(self, name: str, message: Image | CompressedImage) -> None:
        self.heard.frames[name].append((self.clock.seconds(message.header.stamp), self.clock.now()))

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            self.heard.statuses[status.name] = {item.key: item.value for item in status.values}
