"""A node between robot and policy through which every message passes, and where it can be spoilt."""

from __future__ import annotations

import heapq
import itertools
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile

from sag_ros.ros import qos
from sag_ros.ros.receiver import Apart, Receiver

_LOOK = 0.002  # s between two looks at what is to be sent late
CLEAN = "clean"  # prefix of the topics on the robot's side
# What becomes of a message: (delay in s, message) for each that is sent on.
Spoiler = Callable[[Any], list[tuple[float, Any]]]


def untouched(message: Any) -> list[tuple[float, Any]]:
    """Send it on as it is."""
    return [(0.0, message)]


class Relay(Node):
    """Forwards topics; ``spoil`` changes what becomes of their messages. To be called from any thread.

    Args:
        inputs: topic -> message type, from the robot to the policy; outputs: from the policy to the robot.

    Attributes:
        types: of all.
    """

    def __init__(self, inputs: dict[str, type], outputs: dict[str, type]) -> None:
        super().__init__("relay")
        self.types = inputs | outputs
        self._targets = {topic: topic for topic in inputs} | {topic: f"{CLEAN}/{topic}" for topic in outputs}
        self._senders: dict[str, Publisher] = {}
        self._spoilers: dict[str, Spoiler] = {}
        self._later: list[tuple[float, int, str, Any]] = []
        self._count = itertools.count()
        self._tasks: deque[Callable[[], None]] = deque()
        apart, subscriptions = Apart(), []
        self.heard: dict[str, list[Callable[[Any], None]]] = {}
        for topic, kind in self.types.items():
            self._come(topic)
            source = f"{CLEAN}/{topic}" if topic in inputs else topic
            callback = lambda message, topic=topic: self._pass(topic, message)  # noqa: E731
            subscriptions.append(
                self.create_subscription(kind, source, callback, self._qos(topic), callback_group=apart)
            )
        # A thread of its own: what is measured of the graph must not be the relay's delay.
        self._receiver = Receiver(self, subscriptions, period=_LOOK, each=self._send_late)
        self._receiver.start()

    def stop(self) -> None:
        """Forward nothing any more; before the node is destroyed."""
        self._receiver.stop()

    def _qos(self, topic: str) -> QoSProfile:
        return qos.NEWEST if "image" in topic else qos.STATE

    @property
    def matched(self) -> bool:
        """Whether somebody listens to every topic that is sent on."""
        return all(sender.get_subscription_count() > 0 for sender in list(self._senders.values()))

    def post(self, task: Callable[[], None]) -> None:
        """Run ``task`` in the thread that runs the callbacks, soon."""
        self._tasks.append(task)

    def _come(self, topic: str) -> None:
        if topic not in self._senders:
            self._senders[topic] = self.create_publisher(
                self.types[topic], self._targets[topic], self._qos(topic)
            )

    def leave(self, topic: str) -> None:
        """Stop being a publisher of a topic, as a driver that ends."""
        self.post(lambda: self.destroy_publisher(self._senders.pop(topic)))

    def spoil(self, topic: str, spoiler: Spoiler) -> None:
        """Let ``spoiler`` decide about the messages of a topic."""
        self.post(lambda: self._spoilers.update({topic: spoiler}))

    def mend(self) -> None:
        """Everything as it should be."""

        def mend() -> None:
            self._spoilers.clear()
            self._later.clear()
            for topic in self.types:
                self._come(topic)

        self.post(mend)

    def hear(self, topic: str, listener: Callable[[Any], None]) -> None:
        """Call ``listener`` with every message of a topic that is sent on."""
        self.heard.setdefault(topic, []).append(listener)

    def _pass(self, topic: str, message: Any) -> None:
        for delay, spoilt in self._spoilers.get(topic, untouched)(message):
            if delay > 0.0:
                entry = (time.monotonic() + delay, next(self._count), topic, spoilt)
                heapq.heappush(self._later, entry)
            else:
                self.send(topic, spoilt)

    def _send_late(self) -> None:
        while self._tasks:
            self._tasks.popleft()()
        while self._later and self._later[0][0] <= time.monotonic():
            _, _, topic, message = heapq.heappop(self._later)
            self.send(topic, message)

    def send(self, topic: str, message: Any) -> None:
        """Publish a message on a topic's far side."""
        for listener in self.heard.get(topic, ()):
            listener(message)
        publisher = self._senders.get(topic)
        if publisher is not None:
            publisher.publish(message)
