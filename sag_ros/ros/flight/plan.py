"""What is recorded of a policy node, from its parameters."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import TransitionEvent
from rcl_interfaces.msg import ParameterEvent
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image, JointState
from std_msgs.msg import Bool, Float64MultiArray, String
from trajectory_msgs.msg import JointTrajectory

from sag_ros.flight.writing import Topic
from sag_ros.policy.contract import Contract
from sag_ros.ros.flight.frames import FrameKeeper
from sag_ros.ros.policy.signals.fields import FieldReader
from sag_ros.ros.schema import PolicyNode

_BEST, _RELIABLE = ReliabilityPolicy.BEST_EFFORT, ReliabilityPolicy.RELIABLE
_LATCHED = DurabilityPolicy.TRANSIENT_LOCAL


@dataclass(frozen=True)
class Source:
    """A topic and how it is listened to.

    Attributes:
        topic: as the node names it, not resolved.
        message: its class.
        reliable: what is told only once must not be lost; sensors tell again, and should not wait for us.
        latched: the last message is for those who come later, too.
        shared: by several publishers, each of which numbers its own messages.
        keep: what of a serialised message is kept; all by default.
    """

    topic: str
    message: Any
    reliable: bool = False
    latched: bool = False
    shared: bool = False
    keep: Callable[[bytes], bytes] | None = None

    def qos(self, queue: int) -> QoSProfile:
        """Profile of the subscription."""
        durability = _LATCHED if self.latched else DurabilityPolicy.VOLATILE
        return QoSProfile(
            depth=1 if self.latched else queue,
            history=HistoryPolicy.KEEP_LAST,
            reliability=_RELIABLE if self.reliable or self.latched else _BEST,
            durability=durability,
        )


def type_name(message: Any) -> str:
    """``sensor_msgs/msg/Image`` of a message class."""
    package = message.__module__.partition(".")[0]
    return f"{package}/msg/{message.__name__}"


def topic_of(source: Source, resolved: str) -> Topic:
    """The same for a recording."""
    return Topic(resolved, type_name(source.message))


@functools.cache
def _signal_type(kind: str, fields: tuple[str, ...], size: int) -> Any:
    return FieldReader(kind, list(fields), size, 1.0).message


def sources(
    policy: str, config: PolicyNode, contract: Contract | None, task_status: str
) -> Mapping[str, Source]:
    """What there is to record, by the role that it has.

    Args:
        policy: name of the node.
        config: its parameters.
        contract: of the policy, for the sizes of pictures; without, they are kept as they come.
        task_status: topic, or empty.
    """
    topics = config.topics
    found = {
        "joint_states": Source(topics.joint_states, JointState),
        "trajectory": Source(topics.trajectory, JointTrajectory, reliable=True),
        "gripper_command": Source(topics.gripper_command, JointState, reliable=True),
        "timing": Source(f"{policy}/timing", Float64MultiArray, reliable=True),
        "chunk": Source(f"{policy}/chunk", Float64MultiArray, reliable=True),
        "mask": Source(f"{policy}/mask", Image, reliable=True),
        "policy": Source(f"{policy}/policy", DiagnosticStatus, latched=True),
        "transitions": Source(f"{policy}/transition_event", TransitionEvent, reliable=True),
        "diagnostics": Source("/diagnostics", DiagnosticArray, reliable=True, shared=True),
        "parameters": Source("/parameter_events", ParameterEvent, reliable=True, shared=True),
    }
    if topics.gripper_states != topics.joint_states:
        found["gripper_states"] = Source(topics.gripper_states, JointState)
    if topics.desired_states:
        found["desired_states"] = Source(topics.desired_states, JointState)
    if topics.deadman:
        found["deadman"] = Source(topics.deadman, Bool)
    if task_status:
        found["task_status"] = Source(task_status, String, reliable=True)
    for name, camera in config.cameras.items():
        size = None if contract is None or name not in contract.cameras else contract.cameras[name]
        keep = None if size is None or camera.compressed else FrameKeeper(size.height, size.width)
        found[f"camera {name}"] = Source(
            camera.topic, CompressedImage if camera.compressed else Image, keep=keep
        )
    for name, signal in config.signals.items():
        if contract is not None and name in contract.signals:
            kind = _signal_type(signal.type, tuple(signal.fields), contract.signals[name].size)
            found[f"signal {name}"] = Source(signal.topic, kind)
    return found
