"""Messages to an MCAP file that rosbag2 and Foxglove open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sag_ros.flight.folder import RecordingFile
from sag_ros.flight.ring import Heard
from sag_ros.flight.schemas import definition

PROFILE, ENCODING, SCHEMA_ENCODING = "ros2", "cdr", "ros2msg"
_CHUNK = 1 << 20  # bytes that are compressed at once


@dataclass(frozen=True)
class Topic:
    """A topic that is recorded: its type, as ``sensor_msgs/msg/Image``, and its quality of service in the
    YAML of rosbag2."""

    name: str
    type: str
    qos: str = ""


class RecordingWriter:
    """Writes one recording.

    Args:
        file: where to.
        topics: of the messages.

    Raises:
        LookupError: a type that is not installed.
        OSError: it cannot be written.
    """

    def __init__(self, file: RecordingFile, topics: Mapping[str, Topic]) -> None:
        from mcap.writer import CompressionType, Writer

        self._file, self._topics = file, topics
        self.messages = 0
        self._sequence: dict[str, int] = {}
        stream: Any = file
        self._writer = Writer(stream, chunk_size=_CHUNK, compression=CompressionType.ZSTD)
        self._writer.start(PROFILE, "sag_ros")
        self._schemas: dict[str, int] = {}
        self._channels: dict[str, int] = {}
        for topic in topics.values():
            if topic.type not in self._schemas:
                text = definition(topic.type).encode()
                self._schemas[topic.type] = self._writer.register_schema(topic.type, SCHEMA_ENCODING, text)
            self._channels[topic.name] = self._writer.register_channel(
                topic.name, ENCODING, self._schemas[topic.type], {"offered_qos_profiles": topic.qos}
            )

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return self._file.size

    def write(self, message: Heard) -> None:
        """Append a message; one of a topic that was not named is left out. Raises OSError."""
        channel = self._channels.get(message.topic)
        if channel is None:
            return
        number = self._sequence[message.topic] = self._sequence.get(message.topic, 0) + 1
        self._writer.add_message(channel, message.received, message.data, message.sent, number)
        self.messages += 1

    def finish(self, metadata: Mapping[str, Mapping[str, str]]) -> Path:
        """End the recording with metadata records, name -> values; returns its path. Raises OSError."""
        for name, values in metadata.items():
            self._writer.add_metadata(name, dict(values))
        self._writer.finish()
        return self._file.finish()

    def abandon(self) -> None:
        """Remove what was written."""
        self._file.abandon()
