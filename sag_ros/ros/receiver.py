"""Messages that must not wait for an executor's next look: a thread that waits for some subscriptions."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.impl.implementation_singleton import rclpy_implementation as _rclpy
from rclpy.node import Node

from sag_ros.ros.worker import Worker

PERIOD = 0.010  # s after which those that do not wake it are looked at


class Apart(CallbackGroup):
    """Of subscriptions that executors leave alone."""

    def can_execute(self, entity: Any) -> bool:
        """Never."""
        return False

    def beginning_execution(self, entity: Any) -> bool:
        """Never."""
        return False

    def ending_execution(self, entity: Any) -> None:
        """Nothing to do."""


class Receiver(Worker):
    """Calls the callbacks of some subscriptions in a thread of its own.

    An executor of rclpy gathers all that its nodes have before each wait, 0.4 ms of Python; so ours waits
    10 ms between two looks, and a frame half of that. This one knows beforehand what it waits for. Stop it
    before the subscriptions are destroyed.

    Args:
        node: whose subscriptions they are.
        waking: whose messages end the wait; beside: whose are taken whenever it ends, and every 10 ms. All in
            a callback group ``Apart``.
        period: s after which it looks anyway.
        each: called after each look.
    """

    def __init__(
        self,
        node: Node,
        waking: Sequence[Any],
        beside: Sequence[Any] = (),
        period: float = PERIOD,
        each: Callable[[], None] = lambda: None,
    ) -> None:
        self._timeout, self._each = round(1e9 * period), each
        self._context, self._waking, self._beside = node.context, tuple(waking), tuple(beside)
        self._logger = node.get_logger()
        super().__init__("receiver")

    def _run(self) -> None:
        with contextlib.ExitStack() as held:
            for subscription in (*self._waking, *self._beside):
                held.enter_context(subscription.handle)
            held.enter_context(self._context.handle)
            waits = _rclpy.WaitSet(len(self._waking), 0, 0, 0, 0, 0, self._context.handle)
            while not self._stop.is_set() and self._context.ok():
                self._look(waits)
                self._each()

    def _look(self, waits: Any) -> None:
        waits.clear_entities()
        for subscription in self._waking:
            waits.add_subscription(subscription.handle)
        waits.wait(self._timeout)
        for subscription in (*self._beside, *self._waking):
            take_all(subscription, self._logger, self._stop.is_set)


def take_all(subscription: Any, logger: Any, stopped: Callable[[], bool] = lambda: False) -> None:
    """Call back with all that a subscription has; one message that cannot be used does not end the others."""
    while not stopped():
        taken = subscription.handle.take_message(subscription.msg_type, subscription.raw)
        if taken is None:
            return
        try:
            subscription.callback(taken[0])
        except Exception as error:
            logger.error(f"{subscription.topic_name}: {type(error).__name__}: {error}")
