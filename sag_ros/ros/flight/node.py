"""The flight recorder: the last seconds of what the policy saw, decided and commanded, for a file.

A process of its own that gives way to all others. It asks the policy node for its parameters, and so knows
what there is to record. A recording is written when the arm is stopped or held, on a fault, after an episode
without success, when the policy node falls silent, and by ``~/save``; ``~/success`` and ``~/failure`` say how
the operator saw the episode.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import ParameterEvent
from rclpy.node import Node
from rclpy.serialization import deserialize_message, serialize_message
from std_msgs.msg import String
from std_srvs.srv import Trigger

from sag_ros.flight.folder import RecordingFolder
from sag_ros.flight.ring import Heard, Ring
from sag_ros.flight.saver import Saver
from sag_ros.flight.writing import Topic
from sag_ros.paths import model_folder
from sag_ros.policy.contract import Contract
from sag_ros.policy.contract_file import CONTRACT_FILE, read_contract
from sag_ros.realtime import own_threads
from sag_ros.ros import executable, parameters, qos
from sag_ros.ros.diagnostics import OK, WARN, Diagnostics, told_as
from sag_ros.ros.flight.asking import Asking
from sag_ros.ros.flight.description import Description
from sag_ros.ros.flight.events import Event, Events
from sag_ros.ros.flight.plan import Source, sources, topic_of
from sag_ros.ros.flight.tap import Tap
from sag_ros.ros.schema import PolicyNode
from sag_ros.ros.sections import RecorderNode as RecorderParameters

MARKS = "~/marks"
INTERVAL = 0.05  # s: nobody waits for this node
_LOOK = 0.5  # s
_MB = 1_000_000
_SAVES = {"stop": "stop", "fault": "fault", "failure": "failure", "silent": "fault"}


class MissingDependency(parameters.ParameterError):
    """mcap is not installed."""


class RecorderNode(Node):
    """See the module."""

    def __init__(self, **arguments: object) -> None:
        """Take the arguments of a Node. Raises ParameterError."""
        super().__init__("recorder_node", automatically_declare_parameters_from_overrides=True, **arguments)
        config = self._config = parameters.declare(self, RecorderParameters)
        try:
            import mcap.writer  # noqa: F401
        except ImportError as error:
            raise MissingDependency(f"recorder_node writes MCAP ({error}); pip install mcap") from None
        self._tap: Tap | None = None
        self._topics: dict[str, Topic] = {}
        self._planned: tuple[object, ...] = ()
        self._problem = ""
        self.events = Events()
        self._description = Description(self.events)
        self._marks = self.create_publisher(String, MARKS, qos.STATE)
        self._mark_topic = Topic(self.resolve_topic_name(MARKS), "std_msgs/msg/String")
        pinned = frozenset({self.resolve_topic_name(f"{config.policy}/policy")})
        self.ring = Ring(config.seconds, round(config.memory * _MB), pinned)
        folder = RecordingFolder(Path(config.folder).expanduser(), round(config.quota * _MB))
        self.saver = Saver(
            self.ring, folder, lambda: self._topics, self._description.metadata, config.after,
            config.roll if config.continuous else 0.0, self.get_logger().info,
        )  # fmt: skip
        self.saver.start()
        self._diagnostics = Diagnostics(self, part="flight recorder")
        self._asking = Asking(self, config.policy, self._on_parameters)
        for name, act in (("save", self.save), ("success", self.success), ("failure", self.failure)):
            self.create_service(Trigger, f"~/{name}", lambda _, answer, act=act: _answer(answer, act()))
        self.create_timer(_LOOK, self._look)

    # What is recorded --------------------------------------------------------------------------------------

    def _on_parameters(self, values: Mapping[str, Any]) -> None:
        """The policy node told how it is configured."""
        try:
            config = parameters.validate(PolicyNode, values)
        except parameters.ParameterError as error:
            self._problem = f"{self._config.policy} has parameters of another version: {error}"
            return
        self._problem = ""
        contract = self._contract(config)
        self._description.configured(values, config)
        planned = (config.topics, config.cameras, config.signals, contract and contract.cameras)
        if planned != self._planned:
            self._planned = planned
            self._listen(sources(self._config.policy, config, contract, self._config.task_status))

    def _contract(self, config: PolicyNode) -> Contract | None:
        try:
            return read_contract(model_folder(config.bundle) / CONTRACT_FILE)
        except (OSError, ValueError) as error:
            self.get_logger().warning(f"pictures are kept as they come: {error}")
            return None

    def _listen(self, found: Mapping[str, Source]) -> None:
        if self._tap is not None:
            self._tap.close()
        hear = {
            "diagnostics": self._on_diagnostics,
            "task_status": self._on_status,
            "parameters": self._on_parameter_event,
            "policy": self._description.announced,
        }
        self._tap = Tap(self, found, self.ring.append, hear, self._config.period, self._config.queue)
        names = self._tap.names
        self._topics = {names[role]: topic_of(source, names[role]) for role, source in found.items()}
        self._topics[self._mark_topic.name] = self._mark_topic
        self._description.roles = {**names, "marks": self._mark_topic.name}
        self._tap.start()
        self.get_logger().info(f"listening to {len(found)} topics of {self._config.policy}")

    # What happens; in the tap's thread ---------------------------------------------------------------------

    def _on_diagnostics(self, data: bytes) -> None:
        for status in deserialize_message(data, DiagnosticArray).status:
            if status.name.partition(":")[0] == told_as(self, self._config.policy.rpartition("/")[2]):
                values = {item.key: item.value for item in status.values}
                self._react(self.events.on_policy(time.monotonic(), status.message, values))

    def _on_status(self, data: bytes) -> None:
        try:
            status = json.loads(deserialize_message(data, String).data)
        except ValueError:
            return
        if isinstance(status, dict):
            self._react(self.events.on_status(status))

    def _on_parameter_event(self, data: bytes) -> None:
        event = deserialize_message(data, ParameterEvent)
        if event.node.rpartition("/")[2] == self._config.policy.rpartition("/")[2]:
            self._asking.again()

    def _react(self, events: Sequence[Event]) -> None:
        for event in events:
            message = String(data=json.dumps({"kind": event.kind, "text": event.text}))
            now = time.time_ns()
            self.ring.append(Heard(now, now, self._mark_topic.name, serialize_message(message)))
            self._marks.publish(message)
            if _SAVES.get(event.kind) in self._config.save_on:
                self.saver.ask(f"{event.kind}: {event.text}")

    # Services ----------------------------------------------------------------------------------------------

    def save(self) -> str:
        """Write a recording now; returns a sentence."""
        self.saver.ask("request: ~/save", soon=True)
        return f"the last {self.ring.filling().seconds:.0f} s go to {Path(self._config.folder).expanduser()}"

    def success(self) -> str:
        """Mark the episode as one that succeeded."""
        event = self.events.mark("success")
        self._react([event])
        return event.text

    def failure(self) -> str:
        """Mark it as one that did not, and write a recording."""
        event = self.events.mark("failure")
        self._react([event])
        self.saver.ask(f"failure: {event.text}")
        return event.text

    # Now and then ------------------------------------------------------------------------------------------

    def _look(self) -> None:
        self._asking.look()
        self._react(self.events.look(time.monotonic()))
        filling, saved = self.ring.filling(), self.saver.state
        lost = {} if self._tap is None else dict(self._tap.lost)
        values: dict[str, object] = {
            "seconds": filling.seconds,
            "memory_mb": filling.size / _MB,
            "messages": filling.messages,
            "recordings": saved.count,
            "last": str(saved.paths[-1]) if saved.paths else "",
            "episode": "" if self.events.episode is None else self.events.episode,
            "not_received": sum(lost.values()),
            "not_written": self.saver.lost,
        }
        values |= {f"not received {name}": count for name, count in lost.items()}
        waiting = "" if self._tap else f"waiting for {self._config.policy}"
        problem = saved.problem or self._problem
        kept = f"the last {filling.seconds:.0f} s in {filling.size / _MB:.0f} MB"
        self._description.lost = lost
        self._diagnostics.publish(WARN if problem else OK, problem or waiting or kept, values)

    def close(self) -> None:
        """Write what is due, then end."""
        if self._tap is not None:
            self._tap.close()
        self.saver.stop()
        self.destroy_node()


def _answer(answer: Trigger.Response, text: str) -> Trigger.Response:
    answer.success, answer.message = True, text
    return answer


def give_way(niceness: int) -> None:
    """Let all threads of this process give way to others; those they start do so, too."""
    for thread in own_threads():
        with contextlib.suppress(OSError):  # it has ended
            os.setpriority(os.PRIO_PROCESS, thread, niceness)


def _create() -> RecorderNode:
    node = RecorderNode()
    give_way(node._config.niceness)
    return node


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the ``recorder_node`` executable."""
    return executable.run(_create, arguments, INTERVAL)


if __name__ == "__main__":
    raise SystemExit(main())
