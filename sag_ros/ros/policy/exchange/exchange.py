"""From one policy to another while the arm moves, and back if the new one fails.

``~/load`` prepares what ``next`` names beside what runs, ``~/swap`` lets it compute from the next chunk on.
The former one stays at hand: with nothing loaded since, ``~/swap`` goes back to it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from rclpy.node import Node
from std_srvs.srv import Trigger

from sag_ros.ros.choices import following
from sag_ros.ros.policy.chunk_record import ChunkRecord
from sag_ros.ros.policy.exchange.announcement import Announcement
from sag_ros.ros.policy.exchange.successor import Successor
from sag_ros.ros.policy.running import Prepared, Running
from sag_ros.ros.schema import PolicyNode

PROBATION = 3.0  # s after a swap in which a policy that fails is replaced by the one before
_REFUSED = 3  # chunks in a row that are not executed


class Exchange:
    """Keeps the successor and the former policy.

    Args:
        node: offers the services and says what happens.
        policy: what runs, if anything is configured.
        config: the present configuration.
        become: lets another policy compute from the next chunk on, and returns it.
        now: the node's clock, s.
        make: makes a successor.
    """

    def __init__(
        self,
        node: Node,
        policy: Callable[[], Running | None],
        config: Callable[[], PolicyNode],
        become: Callable[[Prepared | Running], Running],
        now: Callable[[], float],
        make: Callable[..., Successor] = Successor,
    ) -> None:
        self._policy, self._config, self._become, self._now, self._make = policy, config, become, now, make
        self._say = node.get_logger().info
        self._announcement = Announcement(node)
        self._lock = threading.Lock()
        self._successor: Successor | None = None
        self._former: Running | None = None
        self._until, self._refused = 0.0, 0
        self._last = ""
        for name, act in (("load", self.load), ("swap", self.swap)):
            node.create_service(Trigger, f"~/{name}", lambda _, answer, act=act: _answer(answer, *act()))

    def load(self) -> tuple[bool, str]:
        """Prepare what ``next`` names; whether that began, and a sentence."""
        config, before, running = self._config(), self._successor, self._policy()
        if running is None:
            return (
                False,
                "nothing is configured yet: set bundle, sampler and mask_source, and configure the node",
            )
        if before is not None and not before.ready and not before.refused:
            return False, f"{before.text}; wait for it"
        # A chunk may take half of the time after which the arm is held.
        slowest = 500.0 * config.watchdog.observation
        self._successor = self._make(following(config), slowest, self._say, running.observed)
        self._successor.start()
        return True, self._successor.text

    def swap(self) -> tuple[bool, str]:
        """Let the successor compute; whether it does, and a sentence."""
        former, successor = self._policy(), self._successor
        other = self._former if successor is None else successor.ready
        if former is None or (successor is None and other is None):
            return (
                False,
                "no policy was loaded: set next.policy, or next.bundle, next.sampler, next.mask_source, "
                "and call ~/load",
            )
        if other is None:
            return False, successor.text
        with self._lock:
            self._former, self._until, self._refused = former, self._now() + PROBATION, 0
            self._successor, self._last = None, ""
        policy = self._become(other)
        text = f"{policy.name} from the next chunk on, instead of {former.name}"
        self._say(f"swap: {text}")
        return True, text

    def after(self, policy: Running, record: ChunkRecord | None, error: str) -> None:
        """Take what became of a chunk, or why there is none; go back to the former policy if need be."""
        if policy is not self._policy():
            return  # the last chunk of the former one
        with self._lock:
            if self._former is None or self._now() > self._until:
                return
            self._refused = self._refused + 1 if record is None or record.refused else 0
            if not error and self._refused < _REFUSED:
                return
            former, self._former = self._former, None
            self._last = error or f"{_REFUSED} of its chunks in a row were not executed"
        self._become(former)
        self._say(f"swap: back to {former.name}: {self._last}")

    @property
    def text(self) -> str:
        """What comes next, or why the last one did not stay; empty for nothing."""
        if self._successor is not None:
            return self._successor.text
        if self._last:
            return f"swapped back: {self._last}"
        former = self._former
        return "" if former is None else f"{former.name} is at hand: ~/swap goes back to it"

    def tell(self) -> str:
        """Announce what runs and what comes next, if that is new; returns the latter."""
        text, policy = self.text, self._policy()
        self._announcement.tell(self._config(), None if policy is None else policy.facts, text)
        return text

    def close(self) -> None:
        """Give up what is being prepared."""
        successor, self._successor = self._successor, None
        if successor is not None:
            successor.stop()
        with self._lock:
            self._former, self._last = None, ""


def _answer(answer: Trigger.Response, success: bool, text: str) -> Trigger.Response:
    answer.success, answer.message = success, text
    return answer
