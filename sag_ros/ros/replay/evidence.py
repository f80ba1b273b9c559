"""A recording as what the policy saw, decided and commanded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from numpy.typing import NDArray
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CompressedImage, Image, JointState
from std_msgs.msg import Float64MultiArray, String
from trajectory_msgs.msg import JointTrajectory

from sag_ros.flight.reading import Recording, RecordingError, open_recording
from sag_ros.flight.ring import Heard
from sag_ros.messages.errors import MessageError
from sag_ros.messages.images import to_rgb
from sag_ros.messages.joints import JointReader, prefixed
from sag_ros.messages.stamps import SECOND, nanoseconds
from sag_ros.messages.trajectories import command_from_trajectory
from sag_ros.ros.flight.description import FORMAT, PARAMETERS, POLICY, RECORDING, TOPICS
from sag_ros.ros.images import image_to_mask
from sag_ros.ros.parameters import validate
from sag_ros.ros.policy import chunk_record
from sag_ros.ros.policy.chunk_record import ChunkRecord
from sag_ros.ros.policy.provenance.detail import ChunkDetail, read
from sag_ros.ros.policy.signals.fields import message_class
from sag_ros.ros.replay.node_clock import NodeClock, nearest_stamp
from sag_ros.ros.schema import PolicyNode
from sag_ros.values import JointCommand, Mask

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Told:
    """A joint state: when it came, its stamp (ns since 1970), positions and velocities (J,), rad, rad/s."""

    received: int
    stamp: int
    position: NDArray[np.float64]
    velocity: NDArray[np.float64]


@dataclass(frozen=True)
class Sent:
    """A command: when it was sent (ns since 1970), and the message."""

    sent: int
    message: JointTrajectory


@dataclass(frozen=True)
class Mark:
    """Something that happened: when (ns since 1970), its kind and a text."""

    at: int
    kind: str
    text: str


@dataclass
class Decided:
    """A chunk: when its detail came (ns since 1970), the detail, and its record and mask where they came."""

    received: int
    detail: ChunkDetail
    record: ChunkRecord | None = None
    mask: Mask | None = None

    @property
    def executed(self) -> bool:
        """Whether a command was made of it."""
        return self.record is not None and not self.record.refused


@dataclass
class Evidence:
    """All that is needed of a recording.

    Attributes:
        recording: the file.
        config: parameters of the policy node.
        policies: (when, ns; what ``~/policy`` told).
        chunks: in their order.
        commands, joints, desired, marks: in the order they came.
        sensors: camera or signal -> (received, stamp), ns since 1970.
        diagnostics: (received, name, message, values).
    """

    recording: Recording
    config: PolicyNode
    policies: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    chunks: list[Decided] = field(default_factory=list)
    commands: list[Sent] = field(default_factory=list)
    joints: list[Told] = field(default_factory=list)
    desired: list[Told] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    sensors: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    diagnostics: list[tuple[int, str, str, dict[str, str]]] = field(default_factory=list)
    frames: dict[str, dict[int, bytes]] = field(default_factory=dict)
    _stamps: dict[str, NDArray[np.int64]] = field(default_factory=dict)

    @property
    def metadata(self) -> Mapping[str, str]:
        """What the recording says of itself."""
        return self.recording.metadata[RECORDING]

    @cached_property
    def clock(self) -> NodeClock:
        """The policy node's clock. Raises RecordingError where no chunk tells it."""
        if not self.chunks:
            raise RecordingError(f"{self.recording.path} holds no chunk: the policy was not active")
        told = np.array([one.received for one in self.chunks], np.int64)
        return NodeClock(told, np.array([one.detail.clock for one in self.chunks], np.int64))

    @property
    def policy_node(self) -> str:
        """Name of the policy node, as its diagnostics begin."""
        topic = self.recording.metadata[TOPICS]["chunk"]
        return topic.split("/")[-2]

    def became(self, at: int) -> str:
        """The state that a stop at ``at``, ns, ended in, as the node told it; empty where it did not."""
        for when, name, _, values in self.diagnostics:
            state = values.get("state", "")
            if when > at and name.startswith(self.policy_node) and state not in ("", "running", "stopping"):
                return state
        return ""

    @cached_property
    def joint_names(self) -> list[str]:
        """Joints as messages name them."""
        for sent in self.commands:
            return list(sent.message.joint_names)
        return []

    def command(self, sent: Sent, step: float) -> JointCommand:
        """A command to the bit: its samples lie on multiples of ``step``, s, of the node's clock."""
        clock = self.clock.still(sent.sent)
        command = command_from_trajectory(sent.message, self.joint_names, clock, 0.0)
        index = np.rint(command.time / step)
        off = command.time - index * step
        own = np.ptp(off) < 1e-6 and np.abs(off).max() < self.clock.unsure(sent.sent)
        if not own:  # of something else than our policy
            return command
        return JointCommand(
            step * index.astype(np.int64), command.position, command.velocity, command.acceleration
        )

    def picture(self, camera: str, stamp: int, height: int, width: int) -> Picture | None:
        """(height, width, 3) as the policy saw it; None where it was not recorded."""
        frames = self.frames.get(camera, {})
        found = nearest_stamp(self.stamps(camera), stamp)
        if found is None:
            return None
        data = frames[found]
        kind = CompressedImage if self.config.cameras[camera].compressed else Image
        try:
            return to_rgb(deserialize_message(data, kind), height, width)
        except MessageError:
            return None

    def stamps(self, camera: str) -> NDArray[np.int64]:
        """(N,) stamps of the pictures that were recorded, ascending, ns since 1970."""
        if camera not in self._stamps:
            self._stamps[camera] = np.array(sorted(self.frames.get(camera, {})), np.int64)
        return self._stamps[camera]

    def policy_at(self, received: int) -> Mapping[str, str]:
        """What the policy node had told of itself by then."""
        found = [told for when, told in self.policies if when <= received]
        first = self.policies[0][1] if self.policies else self.recording.metadata.get(POLICY, {})
        return found[-1] if found else first


def _roles(recording: Recording) -> Mapping[str, str]:
    own = recording.metadata.get(RECORDING, {})
    if own.get("format") != FORMAT:
        raise RecordingError(
            f"{recording.path} is no recording of our flight recorder, or one of another version (format "
            f"{own.get('format')!r}, this is {FORMAT!r})"
        )
    return recording.metadata[TOPICS]


def load(path: Path) -> Evidence:
    """Read a recording.

    Raises:
        RecordingError: it is none of ours, or damaged.
        ParameterError: its parameters are of another version.
    """
    recording = open_recording(path)
    roles = _roles(recording)
    parameters: dict[str, Any] = json.loads(recording.metadata[PARAMETERS]["policy_node"])
    evidence = Evidence(recording, validate(PolicyNode, parameters))
    _fill(evidence, {topic: role for role, topic in roles.items()}, parameters)
    return evidence


def _fill(evidence: Evidence, roles: Mapping[str, str], parameters: Mapping[str, Any]) -> None:
    records: dict[tuple[int, int], ChunkRecord] = {}
    masks: dict[int, Mask] = {}
    reader: JointReader | None = None
    states: list[tuple[str, Heard]] = []
    for heard in evidence.recording.messages():
        role = roles.get(heard.topic, "")
        if role == "chunk":
            detail = read(deserialize_message(heard.data, Float64MultiArray))
            evidence.chunks.append(Decided(heard.received, detail))
        elif role == "timing":
            record = chunk_record.read(deserialize_message(heard.data, Float64MultiArray))
            records[record.chunk, round(1e3 * record.obs_stamp)] = record
        elif role == "mask":
            message = deserialize_message(heard.data, Image)
            masks[nanoseconds(message.header.stamp)] = image_to_mask(message)
        elif role == "trajectory":
            evidence.commands.append(Sent(heard.sent, deserialize_message(heard.data, JointTrajectory)))
        elif role in ("joint_states", "desired_states"):
            states.append((role, heard))
        elif role.startswith("camera "):
            stamp = _stamp(heard.data)
            evidence.frames.setdefault(role.removeprefix("camera "), {})[stamp] = heard.data
            evidence.sensors.setdefault(role, []).append((heard.received, stamp))
        elif role.startswith("signal "):
            stamped = _stamped(evidence.recording.types[heard.topic])
            stamp = _stamp(heard.data) if stamped else heard.received  # as the policy node does it
            evidence.sensors.setdefault(role, []).append((heard.received, stamp))
        elif role == "policy":
            status = deserialize_message(heard.data, DiagnosticStatus)
            told = {"message": status.message, **{item.key: item.value for item in status.values}}
            evidence.policies.append((heard.received, told))
        elif role == "marks":
            mark = json.loads(deserialize_message(heard.data, String).data)
            evidence.marks.append(Mark(heard.received, mark["kind"], mark["text"]))
        elif role == "diagnostics":
            evidence.diagnostics += _statuses(heard)
    of_masks = np.array(sorted(masks), np.int64)
    for decided in evidence.chunks:
        detail = decided.detail
        observed = detail.nanoseconds(detail.stamp)
        found_mask = nearest_stamp(of_masks, observed)
        decided.mask = None if found_mask is None else masks[found_mask]
        near = round(observed / 1e6)
        found = (records.get((detail.chunk, near + more)) for more in (0, -1, 1))
        decided.record = next((one for one in found if one is not None), None)
    reader = JointReader(evidence.joint_names or prefixed(str(parameters["joint_prefix"]), ()))
    for role, heard in states:
        told = _told(heard, reader)
        if told is not None:
            (evidence.joints if role == "joint_states" else evidence.desired).append(told)


@cache
def _stamped(kind: str) -> bool:
    """Whether messages of a type have a header, which then comes first."""
    return hasattr(message_class(kind)(), "header")


def _stamp(data: bytes) -> int:
    """Stamp of a serialised message that begins with a header, ns since 1970."""
    order = "little" if data[1] else "big"
    seconds = int.from_bytes(data[4:8], order, signed=True)
    return seconds * SECOND + int.from_bytes(data[8:12], order)


def _statuses(heard: Heard) -> Iterator[tuple[int, str, str, dict[str, str]]]:
    for status in deserialize_message(heard.data, DiagnosticArray).status:
        values = {item.key: item.value for item in status.values}
        yield heard.received, status.name, status.message, values


def _told(heard: Heard, reader: JointReader) -> Told | None:
    message = deserialize_message(heard.data, JointState)
    try:
        position = reader.positions(message)
        velocity = reader.velocities(message)
    except MessageError:
        return None
    if not len(position):
        return None
    velocity = np.zeros_like(position) if velocity is None else velocity
    return Told(heard.received, nanoseconds(message.header.stamp), position, velocity)
