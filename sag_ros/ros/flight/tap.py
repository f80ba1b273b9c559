"""Takes serialised messages of many topics as cheaply as rclpy can: a look at all of them now and then."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any

from rclpy.node import Node

from sag_ros.flight.ring import Heard
from sag_ros.ros.flight.plan import Source
from sag_ros.ros.receiver import Apart
from sag_ros.ros.worker import Worker


class Tap(Worker):
    """Listens to sources in a thread of its own.

    No executor is involved, and nothing is deserialised; a message costs some 10 us. Their queues are as long
    as what may come between two looks.

    Args:
        node: that subscribes.
        sources: role -> source.
        put: called with every message, in that thread.
        hear: role -> called with a message's bytes, in that thread.
        period: s between two looks.
        queue: messages that may wait.

    Attributes:
        names: role -> resolved topic.
        lost: topic -> messages that were not received, where the middleware numbers them.
    """

    def __init__(
        self,
        node: Node,
        sources: Mapping[str, Source],
        put: Callable[[Heard], None],
        hear: Mapping[str, Callable[[bytes], None]],
        period: float,
        queue: int,
    ) -> None:
        super().__init__("tap")
        self._node, self._put, self._period = node, put, period
        self.names = {role: node.resolve_topic_name(source.topic) for role, source in sources.items()}
        self.lost: dict[str, int] = {}
        self._numbers: dict[str, int] = {}
        self._taken: list[tuple[Any, str, Source, Callable[[bytes], None] | None]] = []
        for role, source in sources.items():
            subscription = node.create_subscription(
                source.message, source.topic, _nothing, source.qos(queue), callback_group=Apart(), raw=True
            )
            self._taken.append((subscription, self.names[role], source, hear.get(role)))

    def _run(self) -> None:
        with contextlib.ExitStack() as held:
            for subscription, *_ in self._taken:
                held.enter_context(subscription.handle)
            due = time.monotonic()
            while not self._stop.is_set():
                for entry in self._taken:
                    self._drain(*entry)
                due = max(due + self._period, time.monotonic())
                self._stop.wait(due - time.monotonic())

    def _drain(self, subscription: Any, name: str, source: Source, hear: Any) -> None:
        take, kind = subscription.handle.take_message, subscription.msg_type
        while (taken := take(kind, True)) is not None:
            data, info = taken
            received = info["received_timestamp"] or time.time_ns()
            sent = info["source_timestamp"] or received
            if not source.shared:
                self._count(name, info.get("publication_sequence_number"))
            try:
                kept = data if source.keep is None else source.keep(data)
                self._put(Heard(received, sent, name, kept))
                if hear is not None:
                    hear(data)
            except Exception as error:  # one message must not end the recording of the others
                text = f"{name}: {type(error).__name__}: {error}"
                self._node.get_logger().error(text, throttle_duration_sec=5.0)

    def _count(self, name: str, number: int | None) -> None:
        if not number:
            return
        missing = number - self._numbers.get(name, number - 1) - 1
        self._numbers[name] = number
        if 0 < missing < 100_000:  # or another publisher has taken over
            self.lost[name] = self.lost.get(name, 0) + missing

    def close(self) -> None:
        """Stop, and remove the subscriptions."""
        self.stop()
        for subscription, *_ in self._taken:
            self._node.destroy_subscription(subscription)


def _nothing(message: object) -> None:
    """What subscriptions call; this one is never called."""
