"""The last messages of some topics, bounded in time and in bytes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

OVERHEAD = 250  # bytes that a message costs in memory beyond its own
SECOND = 1_000_000_000


class Heard(NamedTuple):
    """One message.

    Attributes:
        received: when it came, ns since 1970.
        sent: when it was published, ns since 1970; ``received`` where that is not known.
        topic: its name.
        data: serialised.
    """

    received: int
    sent: int
    topic: str
    data: bytes


@dataclass(frozen=True)
class Filling:
    """What a ring holds: messages, bytes, seconds between the first and the last."""

    messages: int
    size: int
    seconds: float


class Ring:
    """Keeps what was heard in the last seconds, and forgets the oldest first.

    The last message of a pinned topic stays: it is told once, to whoever comes later. One thread appends,
    any other one reads.

    Args:
        seconds: that are kept.
        capacity: bytes that all messages together may take in memory.
        pinned: topics.

    Raises:
        ValueError: nothing would be kept.
    """

    def __init__(self, seconds: float, capacity: int, pinned: frozenset[str] = frozenset()) -> None:
        if not seconds > 0.0 or capacity <= 0:
            raise ValueError(f"a ring keeps some seconds in some bytes; got {seconds} s in {capacity} bytes")
        self._span, self._capacity, self._pinned = round(seconds * SECOND), capacity, pinned
        self._lock = threading.Lock()
        self._messages: deque[Heard] = deque()
        self._first = 0  # number of the oldest one that is held
        self._size = 0
        self._last: dict[str, Heard] = {}

    def append(self, message: Heard) -> None:
        """Take a message; one that is larger than the whole ring is left out."""
        cost = len(message.data) + OVERHEAD
        with self._lock:
            if message.topic in self._pinned:
                self._last[message.topic] = message
            if cost > self._capacity:
                return
            self._messages.append(message)
            self._size += cost
            oldest = message.received - self._span
            while self._size > self._capacity or self._messages[0].received < oldest:
                self._size -= len(self._messages.popleft().data) + OVERHEAD
                self._first += 1

    @property
    def count(self) -> int:
        """How many messages were ever appended: the number that the next one gets."""
        with self._lock:
            return self._first + len(self._messages)

    def since(self, number: int) -> tuple[list[Heard], int]:
        """Messages from ``number`` on, and how many of those are already forgotten."""
        with self._lock:
            skipped = max(number - self._first, 0)
            held = len(self._messages)
            found = [self._messages[place - held] for place in range(skipped, held)]
            return found, max(self._first - number, 0)

    def retold(self, begin: int) -> list[Heard]:
        """The last message of each pinned topic, of those that came before ``begin``, ns, as if they had come
        then: otherwise the time of a recording would begin with them."""
        with self._lock:
            last = list(self._last.values())
        return _retold(last, begin)

    def snapshot(self) -> list[Heard]:
        """All that is held, in the order it came; before it the pinned ones that are older, as if they had
        come with the first."""
        with self._lock:
            held, last = list(self._messages), list(self._last.values())
        if not held:
            return [message._replace(received=0) for message in last]
        return _retold(last, held[0].received) + held

    def filling(self) -> Filling:
        """What it holds now."""
        with self._lock:
            held = self._messages
            seconds = (held[-1].received - held[0].received) / SECOND if held else 0.0
            return Filling(len(held), self._size, seconds)


def _retold(last: Iterable[Heard], begin: int) -> list[Heard]:
    return [message._replace(received=begin) for message in last if message.received < begin]
