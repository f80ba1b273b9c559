"""The publishers of the policy node."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from builtin_interfaces.msg import Time
from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory

from sag_ros.ros import qos
from sag_ros.ros.images import mask_to_image
from sag_ros.ros.joints import TrajectorySender, write_gripper_command
from sag_ros.ros.policy import chunk_record
from sag_ros.ros.policy.inference import FinishedInference
from sag_ros.ros.policy.provenance.detail import DetailWriter
from sag_ros.ros.schema import PolicyNode
from sag_ros.ros.stamps import StampClock
from sag_ros.values import JointCommand, Mask


class PolicyPublishers:
    """Publishes commands, masks and timing with pre-built messages; silent unless the node is active.

    Trajectories come from two threads (new chunks, watchdog): their message is guarded by a lock.
    """

    def __init__(
        self, node: LifecycleNode, config: PolicyNode, joints: Sequence[str], clock: StampClock
    ) -> None:
        self._stamps = clock
        self._lock = threading.Lock()
        self._sender = TrajectorySender(joints)
        self._finger, self._gripper_message = config.gripper.joints[0], JointState()
        self._detail_writer = DetailWriter()
        self._timing_message, self._mask_message = chunk_record.new_message(), Image()
        topics = config.topics
        self._trajectory = node.create_lifecycle_publisher(JointTrajectory, topics.trajectory, qos.COMMAND)
        self._gripper = node.create_lifecycle_publisher(JointState, topics.gripper_command, qos.STATE)
        self._mask = node.create_lifecycle_publisher(Image, "~/mask", qos.STATE)
        self._timing = node.create_lifecycle_publisher(Float64MultiArray, "~/timing", qos.STATE)
        self._detail = node.create_lifecycle_publisher(Float64MultiArray, "~/chunk", qos.STATE)
        self._node = node
        # Called with the stamp of every trajectory before it is sent, and with every width that is sent.
        self.on_command: Callable[[Time], None] = lambda stamp: None
        self.on_gripper: Callable[[float], None] = lambda width: None

    @property
    def listeners(self) -> int:
        """How many subscriptions take our trajectories."""
        return int(self._trajectory.get_subscription_count())

    @property
    def hand_listeners(self) -> int:
        """How many subscriptions take our commands of the hand."""
        return int(self._gripper.get_subscription_count())

    def enable_commands(self, on: bool) -> None:
        """Let trajectories pass, or not; activating the node lets them, too."""
        change = self._trajectory.on_activate if on else self._trajectory.on_deactivate
        change(None)

    def command(self, command: JointCommand) -> float:
        """Publish a joint motion; returns when it was published, s on the node's clock."""
        with self._lock:
            message = self._sender.write(command, self._stamps)
            self.on_command(self._sender.stamp)
            self._trajectory.publish(message)
        return self._stamps.now()

    def gripper(self, width: float, speed: float, force: float) -> None:
        """Publish a gripper command: width (m), speed (m/s), grasp force (N, 0 = move)."""
        message = write_gripper_command(self._gripper_message, width, speed, force, self._finger)
        self._stamps.write(self._stamps.now(), message.header.stamp)
        self._gripper.publish(message)
        self.on_gripper(width)

    def mask(self, stamp: float, mask: Mask) -> None:
        """Publish a mask as an image, stamped like the observation it was computed for."""
        message = mask_to_image(mask, self._mask_message)
        self._stamps.write(stamp, message.header.stamp)
        self._mask.publish(message)

    def record(self, record: chunk_record.ChunkRecord) -> None:
        """Publish the provenance of a chunk."""
        self._timing.publish(chunk_record.write(record, self._timing_message))

    def detail(self, finished: FinishedInference, number: int, asked: float) -> None:
        """Publish all that a chunk was computed from, if somebody listens; see ChunkDetail."""
        observation, inference = finished.observation, finished.inference
        if inference.origin is None or not self._detail.get_subscription_count():
            return
        observed = observation.frames, observation.states, observation.features
        clock = self._stamps.nanoseconds(0.0)
        self._detail.publish(
            self._detail_writer.write(
                number, clock, asked, finished.rung, inference.origin, observed, inference.chunk
            )
        )

    def destroy(self) -> None:
        """Remove the publishers from the node."""
        for publisher in (self._trajectory, self._gripper, self._mask, self._timing, self._detail):
            self._node.destroy_publisher(publisher)
