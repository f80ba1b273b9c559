"""What is in a recording."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sag_ros.flight.ring import Heard


class RecordingError(ValueError):
    """A file that is no recording, or a damaged one; the text says what to do."""


@dataclass(frozen=True)
class Recording:
    """A file of messages.

    Attributes:
        path: of the file.
        types: topic -> type, as ``sensor_msgs/msg/Image``.
        counts: topic -> messages.
        metadata: name -> values.
        seconds: between the first and the last message.
        begin: of the first message, ns since 1970.
    """

    path: Path
    types: dict[str, str]
    counts: dict[str, int]
    metadata: dict[str, dict[str, str]]
    seconds: float
    begin: int

    def messages(self, topics: Sequence[str] | None = None) -> Iterator[Heard]:
        """Messages in the order they came, of some topics or of all. Raises RecordingError."""
        from mcap.exceptions import McapError
        from mcap.reader import make_reader

        try:
            with self.path.open("rb") as stream:
                for _, channel, message in make_reader(stream).iter_messages(topics):
                    yield Heard(message.log_time, message.publish_time, channel.topic, message.data)
        except McapError as error:
            raise RecordingError(f"{self.path} is damaged: {error}") from None


def open_recording(path: Path) -> Recording:
    """Look into a recording.

    Raises:
        RecordingError: it is none, or was cut off.
        OSError: it cannot be read.
    """
    from mcap.exceptions import McapError
    from mcap.reader import make_reader

    with path.open("rb") as stream:
        try:
            reader = make_reader(stream)
            summary = reader.get_summary()
            metadata = {one.name: dict(one.metadata) for one in reader.iter_metadata()}
        except McapError as error:
            raise RecordingError(
                f"{path} is no whole MCAP file ({type(error).__name__}: {error}); the recorder names a file "
                "*.mcap only when it is whole, so it was damaged later"
            ) from None
    if summary is None or summary.statistics is None:
        raise RecordingError(f"{path} has no summary; `mcap recover` may help")
    statistics, channels = summary.statistics, summary.channels
    types = {one.topic: summary.schemas[one.schema_id].name for one in channels.values() if one.schema_id}
    counts: dict[str, int] = dict.fromkeys(types, 0)
    for number, count in statistics.channel_message_counts.items():
        counts[channels[number].topic] = count
    begin = statistics.message_start_time
    return Recording(path, types, counts, metadata, (statistics.message_end_time - begin) / 1e9, begin)
