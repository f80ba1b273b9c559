"""Messages that come to a thread of their own, while an executor has the others."""

from __future__ import annotations

import threading
import time

import pytest
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from std_msgs.msg import Float64

from sag_ros.ros import qos
from sag_ros.ros.receiver import Apart, Receiver

PATIENCE = 20.0  # s


class World:
    """One node that publishes, one that listens to three topics."""

    def __init__(self) -> None:
        self.talker, self.node = Node("talker"), Node("listener")
        self.heard: list[tuple[str, float, str]] = []
        self.fails = False
        names = ("frame", "joints", "other")
        self.publishers = {name: self.talker.create_publisher(Float64, name, qos.STATE) for name in names}
        apart = Apart()

        def listen(name: str, **group: Apart):
            callback = lambda message: self._hear(name, message.data)  # noqa: E731
            return self.node.create_subscription(Float64, name, callback, qos.NEWEST, **group)

        made = [listen(name, callback_group=apart) for name in names[:2]]
        listen("other")
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)
        self.receiver = Receiver(self.node, made[:1], made[1:])
        self.receiver.start()

    def _hear(self, name: str, value: float) -> None:
        if self.fails:
            raise ValueError("no")
        self.heard.append((name, value, threading.current_thread().name))

    def until(self, name: str, value: float) -> str:
        """Publish until it is heard; the thread that heard it."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            self.publishers[name].publish(Float64(data=value))
            self.executor.spin_once(timeout_sec=0.01)
            found = [thread for topic, number, thread in self.heard if (topic, number) == (name, value)]
            if found:
                return found[0]
        raise AssertionError(f"{name} was not heard")

    def close(self) -> None:
        self.receiver.stop()
        self.executor.shutdown()
        self.node.destroy_node()
        self.talker.destroy_node()


@pytest.fixture
def world(domain):
    made = World()
    yield made
    made.close()


def test_its_own_come_in_its_thread_and_the_others_do_not(world: World) -> None:
    assert world.until("frame", 1.0) == "receiver"
    assert world.until("joints", 2.0) == "receiver"  # which does not wake it
    assert world.until("other", 3.0) == "MainThread"


def test_a_callback_that_fails_ends_nothing(world: World) -> None:
    world.until("frame", 1.0)
    world.fails = True
    world.publishers["frame"].publish(Float64(data=2.0))
    time.sleep(0.1)
    world.fails = False
    assert world.until("frame", 3.0) == "receiver"


def test_it_ends_when_it_is_told_to(world: World) -> None:
    world.receiver.stop()
    assert not world.receiver._thread.is_alive()
    world.receiver.stop()
