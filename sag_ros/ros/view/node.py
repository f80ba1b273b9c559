"""A web page beside the graph, as a node.

The executor's thread hears and calls, the server's thread serves. Nothing is subscribed and nothing is
computed while nobody looks, but for the task status, whose messages are only counted now and then.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rclpy.node import Node

from sag_ros.ros import executable, parameters
from sag_ros.ros.parameters import ParameterError
from sag_ros.ros.sections import VIEW_NODE
from sag_ros.ros.sections import ViewNode as ViewParameters
from sag_ros.ros.stamps import clock_of
from sag_ros.ros.view.access import Door, read_token
from sag_ros.ros.view.arm_shape import describe
from sag_ros.ros.view.buttons import Buttons
from sag_ros.ros.view.policy_facts import Facts, Inquiry
from sag_ros.ros.view.scene import Scene
from sag_ros.ros.view.server import Answer, Server

NICENESS = 5  # who looks on comes after what moves
IDLE = 2.0  # s between two looks at the task status while nobody looks
_SLOW = 0.5  # s between two looks at diagnostics, statistics and services
_ASK = 5.0  # s between two questions for the policy's parameters
_REST = 0.5  # s that the executor waits at most


class ViewNode(Node):
    """See the module."""

    def __init__(self, **arguments: object) -> None:
        """Take the arguments of a Node. Raises ParameterError."""
        super().__init__(VIEW_NODE, automatically_declare_parameters_from_overrides=True, **arguments)
        config = self._config = parameters.declare(self, ViewParameters)
        self._scene = Scene(self, config, clock_of(self))
        self._inquiry = Inquiry(self, config.policy, self._on_facts)
        self._buttons = Buttons(self, config)
        self._arm = json.dumps(describe("fr3"))
        self._looking, self._slow_due, self._ask_due, self._fresh = 0, 0.0, 0.0, True
        self._jobs: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        self._wake = self.create_guard_condition(self._work)
        self._timer = self.create_timer(IDLE, self._on_idle)
        self._server = Server(
            config.host, config.port, _door(config), lambda: self._arm, self._on_press, self._on_watch
        )
        try:
            self._server.start()
        except OSError as error:
            raise ParameterError(f"{error}; set host and port of {VIEW_NODE}") from None
        asked = ", token needed" if config.token_file else ""
        self.get_logger().info(f"open {self.url} in a browser{asked}")

    @property
    def url(self) -> str:
        """Where the page is."""
        return self._server.url

    # In the server's thread --------------------------------------------------------------------------------

    def _on_press(self, button: str, choice: str, answer: Answer) -> None:
        self._do(lambda: self._press(button, choice, answer))

    def _on_watch(self, count: int) -> None:
        self._do(lambda: self._watch(count))

    def _do(self, job: Callable[[], object]) -> None:
        self._jobs.put(job)
        with contextlib.suppress(Exception):  # rclpy has ended meanwhile
            self._wake.trigger()

    # In the executor's thread ------------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return
            job()

    def _press(self, button: str, choice: str, answer: Answer) -> None:
        def told(success: bool, text: str) -> None:
            self.get_logger().info(f"{button}{f' {choice}' if choice else ''}: {text}")
            answer(success, text)

        self._buttons.press(button, choice, told)

    def _watch(self, count: int) -> None:
        """So many look now."""
        before, self._looking = self._looking, count
        self._fresh = True  # who is new wants everything
        if bool(before) == bool(count):
            return
        self.destroy_timer(self._timer)
        if count:
            self._ask_due = self._slow_due = 0.0
            self._scene.open()
            self._timer = self.create_timer(1.0 / self._config.rate, self._on_tick)
        else:
            self._scene.close()
            self._timer = self.create_timer(IDLE, self._on_idle)

    def _on_idle(self) -> None:
        self._scene.count()
        self._buttons.look()

    def _on_facts(self, facts: Facts) -> None:
        self._arm = json.dumps(describe(facts.arm))
        self._scene.become(facts)
        self._fresh = True

    def _on_tick(self) -> None:
        now = time.monotonic()
        self._buttons.look()
        if now >= self._ask_due:
            self._ask_due = now + _ASK
            self._inquiry.ask()
        slow = self._fresh or now >= self._slow_due
        if slow:
            self._slow_due, self._fresh = now + _SLOW, False
        values, parts = self._scene.look(now, slow)
        if slow:
            values["slow"]["buttons"] = self._buttons.available()
            values["slow"]["looking"] = self._looking
        self._server.publish(packed(values, parts))

    def close(self) -> None:
        """Stop serving."""
        self._server.stop()
        self._scene.close()
        self.destroy_node()


def packed(values: dict[str, Any], parts: Sequence[tuple[str, bytes]]) -> bytes:
    """One message: the length of the JSON (4 bytes, big endian), the JSON, and the parts it lists."""
    values["parts"] = [[name, len(data)] for name, data in parts]
    text = json.dumps(values, separators=(",", ":")).encode()
    return b"".join([len(text).to_bytes(4, "big"), text, *(data for _, data in parts)])


def _door(config: ViewParameters) -> Door:
    """Raises ParameterError."""
    try:
        token = read_token(Path(config.token_file).expanduser()) if config.token_file else ""
        return Door(config.host, token, tuple(config.names.split()))
    except ValueError as error:
        raise ParameterError(str(error)) from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the ``view_node`` executable."""
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    return executable.run(ViewNode, arguments, patience=_REST)


if __name__ == "__main__":
    raise SystemExit(main())
