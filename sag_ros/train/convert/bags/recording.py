"""One bag: its topics, the stamps and numbers of its messages, its pictures."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sag_ros.messages.errors import MessageError
from sag_ros.messages.images import to_rgb
from sag_ros.messages.stamps import SECOND
from sag_ros.train.convert.raw import ConversionError, LeftOut, Pictures, Values

IMAGES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
_HEADER = "std_msgs/msg/Header"

# Of a message what is wanted of it; None where it is about something else. Raises MessageError.
Read = Callable[[Any], Any]


@dataclass
class Heard:
    """What was heard of one topic, n messages in the order of the bag.

    Attributes:
        kind: of its messages.
        stamps: (n,) s since the bag began.
        received: (n,) ns, when each was recorded.
        headers: whether stamps are those of headers; otherwise they are when messages were recorded.
        read: of each of those that read it: the places (m,) of the messages it could use, and what it read.
        unusable: how many messages could not be used by one of them; why and when the first.
    """

    kind: str
    stamps: Values
    received: NDArray[np.int64]
    headers: bool
    read: list[tuple[list[int], list[Any]]]
    unusable: int = 0
    why: str = ""


class Recording:
    """A bag that is open while it is used as a context.

    Args:
        path: folder of rosbag2, or a file .mcap or .db3.

    Raises:
        LeftOut: it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        from rosbags.highlevel import AnyReader
        from rosbags.typesys import Stores, get_typestore

        self.path = path
        with _Understood(self.path):
            # Types that a bag does not describe itself, as those of Humble do not, are the newest known ones.
            self._reader = AnyReader([path], default_typestore=get_typestore(Stores.LATEST))

    def __enter__(self) -> Recording:
        with _Understood(self.path):
            self._reader.open()
        self.epoch = self._reader.start_time if self._reader.message_count else 0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.close()

    @property
    def described(self) -> str:
        """Its topics with types and counts, for a person."""
        topics = sorted(self._reader.topics.items())
        each = [f"{name} ({_kind(info)}, {info.msgcount})" for name, info in topics]
        return ", ".join(each) or "nothing"

    def kind(self, topic: str) -> str:
        """Type of the messages of ``topic``.

        Raises:
            ConversionError: there is no such topic.
        """
        if topic not in self._reader.topics:
            raise ConversionError(f"{self.path}: has no topic {topic}; there is {self.described}")
        return _kind(self._reader.topics[topic])

    def count(self, topic: str) -> int:
        """How many messages ``topic`` has."""
        return int(self._reader.topics[topic].msgcount)

    def read(self, topics: Mapping[str, Sequence[Read]]) -> dict[str, Heard]:
        """Go through the messages once.

        Args:
            topics: topic -> those that read its messages; where there are none, stamps alone are taken.

        Returns:
            Topic -> what was heard, of those that have messages.

        Raises:
            LeftOut: the file breaks off, or holds something else.
            ConversionError: a topic is not there, or its type is not known.
        """
        kinds = {topic: self.kind(topic) for topic in topics}
        taken = {
            topic: _Taking(self._stamped(kind), topics[topic])
            for topic, kind in kinds.items()
            if self.count(topic)
        }
        connections = [one for one in self._reader.connections if one.topic in taken]
        with _Understood(self.path):
            # Without connections all would be read.
            for connection, received, raw in self._reader.messages(connections) if connections else ():
                own = taken[connection.topic]
                own.tick(received, raw)
                if own.reads:
                    own.take(self._reader.deserialize(raw, connection.msgtype))
        return {topic: own.heard(kinds[topic], self.epoch) for topic, own in taken.items()}

    def _stamped(self, kind: str) -> bool:
        """Whether messages of a type begin with a header. Raises ConversionError for an unknown one."""
        known = self._reader.typestore.fielddefs
        if kind not in known:
            raise ConversionError(
                f"{self.path}: does not say what {kind} is made of; record with storage mcap"
            )
        fields = known[kind][1]
        return bool(fields) and fields[0][0] == "header" and fields[0][1][1] == _HEADER

    def pictures(
        self, topic: str, heard: Heard, places: NDArray[np.intp], height: int, width: int
    ) -> Pictures:
        """(m, height, width, 3) uint8 RGB: those of ``places`` (m,) in ``heard``, as the node decodes them.

        Raises:
            LeftOut: one that cannot be decoded.
        """
        found = np.empty((len(places), height, width, 3), np.uint8)
        rows: dict[int, list[int]] = {}  # of the picture that was recorded then; one may serve several frames
        for row, moment in enumerate(heard.received[places].tolist()):
            rows.setdefault(moment, []).append(row)
        connections = [one for one in self._reader.connections if one.topic == topic]
        with _Understood(self.path):
            for connection, received, raw in self._reader.messages(connections, min(rows), max(rows) + 1):
                if received not in rows:
                    continue
                message = self._reader.deserialize(raw, connection.msgtype)
                try:
                    found[rows[received]] = to_rgb(message, height, width)
                except MessageError as error:
                    second = (received - self.epoch) / SECOND
                    raise LeftOut(f"{self.path}: {topic} at {second:.2f} s: {error}") from None
        return found


def _kind(info: Any) -> str:
    return info.msgtype or "several types"


def _header_stamp(raw: bytes | memoryview) -> int:
    """ns of the header with which a serialised message begins: decoding a picture takes much longer."""
    order = "<" if raw[1] & 1 else ">"
    seconds, rest = struct.unpack_from(f"{order}iI", raw, 4)
    return int(seconds) * SECOND + int(rest)


class _Taking:
    """One topic while its bag is read."""

    def __init__(self, stamped: bool, reads: Sequence[Read]) -> None:
        self._stamped, self.reads = stamped, reads
        self._headers: list[int] = []
        self._received: list[int] = []
        self._read: list[tuple[list[int], list[Any]]] = [([], []) for _ in reads]
        self._unusable, self._why, self._first = 0, "", 0

    def tick(self, received: int, raw: bytes | memoryview) -> None:
        """A message has come."""
        self._received.append(received)
        self._headers.append(_header_stamp(raw) if self._stamped else 0)

    def take(self, message: Any) -> None:
        """It is this one."""
        place, good = len(self._received) - 1, True
        for read, (places, values) in zip(self.reads, self._read, strict=True):
            try:
                value = read(message)
            except MessageError as error:
                if not self._why:
                    self._why, self._first = str(error), place
                good = False
                continue
            if value is not None:
                places.append(place)
                values.append(value)
        self._unusable += not good

    def heard(self, kind: str, epoch: int) -> Heard:
        """All of it; ``epoch``: ns that stamps count from."""
        headers = self._stamped and all(self._headers)  # a stamp of zero is none
        received = np.array(self._received, np.int64)
        stamps = ((np.array(self._headers, np.int64) if headers else received) - epoch) / SECOND
        why = f"at {stamps[self._first]:.2f} s: {self._why}" if self._why else ""
        return Heard(kind, stamps, received, headers, self._read, self._unusable, why)


class _Understood:
    """What goes wrong while a bag is read becomes one sentence with its path."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        """Nothing."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None or not isinstance(error, Exception) or isinstance(error, ConversionError):
            return
        text = str(error) or type(error).__name__
        raise LeftOut(
            f"{self._path}: cannot be read ({text.rstrip('.')}). A recording that was cut off is mended by "
            "`mcap recover`, one without metadata.yaml by `ros2 bag reindex`"
        ) from None
