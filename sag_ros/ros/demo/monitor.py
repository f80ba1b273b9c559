"""Listens to a running graph, drives its lifecycle, and keeps what was heard."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image
from std_msgs.msg import Float64MultiArray, String
from std_srvs.srv import Trigger

from sag_ros.messages.stamps import SECOND, nanoseconds
from sag_ros.ros import qos
from sag_ros.ros.batching_executor import BatchingExecutor
from sag_ros.ros.demo.run_record import Episode
from sag_ros.ros.diagnostics import told_as
from sag_ros.ros.graph import TOPICS
from sag_ros.ros.images import image_to_mask
from sag_ros.ros.policy import chunk_record
from sag_ros.ros.receiver import Apart, take_all

TRANSITIONS = {
    "configure": (Transition.TRANSITION_CONFIGURE, State.PRIMARY_STATE_INACTIVE),
    "activate": (Transition.TRANSITION_ACTIVATE, State.PRIMARY_STATE_ACTIVE),
    "deactivate": (Transition.TRANSITION_DEACTIVATE, State.PRIMARY_STATE_INACTIVE),
    "cleanup": (Transition.TRANSITION_CLEANUP, State.PRIMARY_STATE_UNCONFIGURED),
}

_LOOK = 0.05  # s between two looks
_AT_HOME = 0.25  # s; going home takes less only from there


class GraphTimeout(RuntimeError):
    """The graph did not answer or refused; the text says what was waited for."""


class Monitor(Node):
    """Subscribes timing, mask, diagnostics and task status of the policy and the simulator.

    Args:
        policy: name of the policy node.
        simulator: name of the simulator node.
        check: called while waiting; raises when a node has died.
        idle: called often while waiting, to redraw.
        namespace: of the graph; empty for the root.
    """

    def __init__(
        self,
        policy: str = "policy_node",
        simulator: str = "sim_node",
        check: Callable[[], None] = lambda: None,
        idle: Callable[[], None] = lambda: None,
        namespace: str = "",
    ) -> None:
        super().__init__("demo_monitor", namespace=namespace or None)
        self._check, self._idle, self._policy = check, idle, policy
        self.episode: Episode | None = None
        self.status: dict[str, Any] = {}
        self.diagnostics: dict[str, str] = {}
        self.driver: dict[str, str] = {}  # of fci_node, where there is one
        self.message = ""
        self._reset_client = self.create_client(Trigger, f"{simulator}/reset")
        self._home_client = self.create_client(Trigger, "fci_node/go_home")
        self._change = self.create_client(ChangeState, f"{policy}/change_state")
        self._state = self.create_client(GetState, f"{policy}/get_state")
        deep = QoSProfile(depth=50)
        # Two for every chunk: all that came is taken at each look, which costs the machine less.
        self._of_chunks = [
            self.create_subscription(kind, TOPICS[name], callback, deep, callback_group=Apart())
            for kind, name, callback in (
                (Float64MultiArray, "timing", self._on_timing), (Image, "mask", self._on_mask)
            )
        ]  # fmt: skip
        self.create_subscription(String, TOPICS["status"], self._on_status, qos.STATE)
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, qos.STATE)
        self._spinner = BatchingExecutor(_LOOK)
        self._spinner.add_node(self)

    def _on_timing(self, message: Float64MultiArray) -> None:
        if self.episode is not None:
            self.episode.chunks.append(chunk_record.read(message))

    def _on_mask(self, message: Image) -> None:
        if self.episode is not None:
            stamp = nanoseconds(message.header.stamp) / SECOND
            self.episode.masks[stamp] = image_to_mask(message).pruned

    def _on_status(self, message: String) -> None:
        self.status = json.loads(message.data)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            values = {item.key: item.value for item in status.values}
            if status.name.startswith(told_as(self, "fci_node")):
                self.driver = values
            elif status.name.startswith(told_as(self, self._policy)):
                self.message, self.diagnostics = status.message, values

    def wait(self, done: Callable[[], bool], seconds: float, what: str = "") -> bool:
        """Spin until ``done()``; False after ``seconds``, or GraphTimeout naming ``what`` if given."""
        deadline = time.monotonic() + seconds
        while not done():
            self._check()
            if time.monotonic() > deadline:
                if what:
                    raise GraphTimeout(f"{what}: nothing within {seconds:.0f} s")
                return False
            self._spinner.spin_once(timeout_sec=_LOOK)
            for subscription in self._of_chunks:
                with subscription.handle:
                    take_all(subscription, self.get_logger())
            self._idle()
        return True

    def call(self, client: Any, request: Any, seconds: float, what: str) -> Any:
        """Call a service. Raises GraphTimeout."""
        self.wait(client.service_is_ready, seconds, f"waiting for {what}")
        future = client.call_async(request)
        self.wait(future.done, seconds, what)
        return future.result()

    def ask(self, name: str) -> Any:
        """Ask the policy node for a lifecycle transition; the answer will be in the future."""
        return self._change.call_async(ChangeState.Request(transition=Transition(id=TRANSITIONS[name][0])))

    def transition(self, name: str, seconds: float, retry: float = 0.0) -> None:
        """Take the policy node through a lifecycle transition.

        Args:
            name: key of ``TRANSITIONS``.
            seconds: for one attempt.
            retry: how long a refusal is tried again (inputs may be late on a busy machine), s.

        Raises:
            GraphTimeout: no answer, or a refusal with the node's reason.
        """
        goal, deadline = TRANSITIONS[name][1], time.monotonic() + retry
        while not self._taken(name, goal, seconds):
            if time.monotonic() > deadline:
                reason = self.message or "see its log"
                raise GraphTimeout(f"policy_node refused to {name}: {reason}")
            self.wait(lambda: False, 0.2)

    def _taken(self, name: str, goal: int, seconds: float) -> bool:
        """Whether policy_node went to ``goal``; False when it said that it refuses. Raises GraphTimeout.

        What is not answered is asked again: on a busy machine a request is lost where the server has not
        discovered the client's writer, and an answer where it has not discovered the client's reader.
        """
        what = f"{name} policy_node"
        self.message = ""  # the reason of a refusal is published before its answer
        self.wait(self._change.service_is_ready, seconds, f"waiting for {what}")
        begun = time.monotonic()
        while True:
            future = self.ask(name)
            answered = self.wait(future.done, 3.0)
            while (state := self.state(seconds)) >= State.TRANSITION_STATE_CONFIGURING:  # on its way
                if time.monotonic() > begun + seconds:
                    raise GraphTimeout(f"{what}: nothing within {seconds:.0f} s")
                answered = self.wait(future.done, 1.0)
            if state == goal or (answered and future.result().success):
                return True
            refused = self.wait(lambda: self.message.startswith("cannot"), 2.0)
            if refused or (answered and future.done()):
                return False
            if time.monotonic() > begun + seconds:
                raise GraphTimeout(f"{what}: nothing within {seconds:.0f} s")

    def state(self, seconds: float = 10.0) -> int:
        """Lifecycle state of the policy node; asked again every two seconds. Raises GraphTimeout."""
        deadline = time.monotonic() + seconds
        while True:
            future = self._state.call_async(GetState.Request())
            if self.wait(future.done, 2.0):
                return future.result().current_state.id
            if time.monotonic() > deadline:
                raise GraphTimeout(f"state of policy_node: nothing within {seconds:.0f} s")

    def reset(self, seconds: float = 20.0) -> dict[str, int]:
        """Start an episode of the simulator: its number and seed."""
        return json.loads(self.call(self._reset_client, Trigger.Request(), seconds, "reset sim_node").message)

    def go_home(self, seconds: float = 40.0) -> None:
        """Let fci_node take the arm home, and wait until it rests there. Raises GraphTimeout."""
        deadline = time.monotonic() + seconds
        while True:
            answer = self.call(self._home_client, Trigger.Request(), seconds, "go_home fci_node")
            needed = float(answer.message.split()[0]) if answer.success else np.inf
            if needed < _AT_HOME:
                return
            if time.monotonic() > deadline:
                raise GraphTimeout(f"fci_node does not go home: {answer.message}")
            self.wait(lambda: False, min(needed, 0.5))

    def close(self) -> None:
        """Destroy node and executor."""
        self._spinner.shutdown()
        self.destroy_node()
