"""A web page beside the graph, as a node.

One thread calls services, one looks at what is heard, one serves. Nothing is subscribed and nothing is
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
from sag_ros.ros.stamps import StampClock
from sag_ros.ros.view.access import Door, read_token
from sag_ros.ros.view.arm_shape import describe
from sag_ros.ros.view.buttons import Buttons
from sag_ros.ros.view.looking import Looking
from sag_ros.ros.view.policy_facts import Facts, Inquiry
from sag_ros.ros.view.scene import Scene
from sag_ros.ros.view.server import Answer, Server

NICENESS = 5  # who looks on comes after what moves
IDLE = 2.0  # s between two looks at the task status while nobody looks
_SLOW = 0.5  # s between two looks at diagnostics, statistics and services
_ASK = 5.0  # s between two questions for the policy's parameters
_REST = 1.0  # s that the executor waits at most


class ViewNode(Node):
    """See the module."""

    def __init__(self, **arguments: object) -> None:
        """Take the arguments of a Node. Raises ParameterError."""
        super().__init__(VIEW_NODE, automatically_declare_parameters_from_overrides=True, **arguments)
        config = self._config = parameters.declare(self, ViewParameters)
        self._scene = Scene(self, config, StampClock(time.time_ns))  # only differences count
        self._inquiry = Inquiry(self, config.policy, self._on_facts)
        self._buttons = Buttons(self, config)
        self._arm = json.dumps(describe("fr3"))
        self._facts: Facts | None = None
        self._slow_due, self._ask_due = 0.0, 0.0
        self._jobs: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        self._wake = self.create_guard_condition(self._work)
        self.create_timer(_REST, self._buttons.look)
        self._looking = Looking(self._scene, 1.0 / config.rate, IDLE, self._look, self._on_failure)
        self._server = Server(
            config.host, config.port, _door(config), lambda: self._arm, self._on_press, self._looking.watch
        )
        try:
            self._server.start()
        except OSError as error:
            raise ParameterError(f"{error}; set host and port of {VIEW_NODE}") from None
        self._looking.start()
        asked = ", token needed" if config.token_file else ""
        self.get_logger().info(f"open {self.url} in a browser{asked}")

    @property
    def url(self) -> str:
        """Where the page is."""
        return self._server.url

    # In the server's thread --------------------------------------------------------------------------------

    def _on_press(self, button: str, choice: str, answer: Answer) -> None:
        self._jobs.put(lambda: self._press(button, choice, answer))
        self._wake_up()

    def _wake_up(self) -> None:
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

    def _on_facts(self, facts: Facts) -> None:
        self._arm = json.dumps(describe(facts.arm))
        self._facts = facts

    # In the thread that looks ------------------------------------------------------------------------------

    def _look(self, came: bool) -> None:
        now = time.monotonic()
        if came or now >= self._ask_due:
            self._ask_due = now + _ASK
            self._jobs.put(self._inquiry.ask)
            self._wake_up()
        facts, self._facts = self._facts, None
        if facts is not None:
            self._scene.become(facts)
        slow = came or facts is not None or now >= self._slow_due
        if slow:
            self._slow_due = now + _SLOW
        values, parts = self._scene.look(now, slow)
        if slow:
            values["slow"]["buttons"] = self._buttons.available()
            values["slow"]["looking"] = self._looking.lookers
        self._server.publish(packed(values, parts))

    def _on_failure(self, error: Exception) -> None:
        self.get_logger().error(f"{type(error).__name__}: {error}", throttle_duration_sec=5.0)

    def close(self) -> None:
        """Stop serving."""
        self._server.stop()
        self._looking.stop()
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
