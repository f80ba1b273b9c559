"""What a recording says of itself: reasons, episode, policy, weights, parameters, machine."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.serialization import deserialize_message

from sag_ros.bench.run import machine
from sag_ros.paths import model_folder
from sag_ros.ros.flight.events import Events
from sag_ros.ros.schema import PolicyNode

FORMAT = "1"
# Names of the metadata records.
RECORDING, POLICY, PARAMETERS, TOPICS = (
    f"sag_ros.{name}" for name in ("recording", "policy", "parameters", "topics")
)


class Description:
    """Gathers the metadata of recordings.

    Args:
        events: that know the episode.

    Attributes:
        roles: role -> topic, as ``camera front`` or ``chunk``.
        lost: topic -> messages that were not received.
    """

    def __init__(self, events: Events) -> None:
        self._events = events
        self._policy: dict[str, str] = {}
        self._parameters: dict[str, Any] = {}
        self._bundle = ""
        self._machine = ""
        self.roles: Mapping[str, str] = {}
        self.lost: Mapping[str, int] = {}

    def configured(self, values: Mapping[str, Any], config: PolicyNode) -> None:
        """Take the parameters of the policy node."""
        self._parameters = dict(values)
        try:
            self._bundle = str(model_folder(config.bundle).resolve())
        except OSError:
            self._bundle = config.bundle

    def announced(self, data: bytes) -> None:
        """Take what the policy node says it runs, serialised."""
        status = deserialize_message(data, DiagnosticStatus)
        self._policy = {"message": status.message, **{item.key: item.value for item in status.values}}

    def metadata(self, reasons: list[str]) -> dict[str, dict[str, str]]:
        """Of a recording that is written for these reasons."""
        if not self._machine:
            self._machine = json.dumps(machine.describe())
        status, episode = self._events.status, self._events.episode
        own = {
            "format": FORMAT,
            "reason": "; ".join(reasons),
            "written": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "episode": "" if episode is None else str(episode),
            "seed": str(status.get("seed", "")),
            "success": str(status.get("success", "")),
            "outcome": self._events.outcome,
            "bundle": self._bundle,
            "machine": self._machine,
            "not_received": json.dumps(dict(self.lost)),
        }
        return {
            RECORDING: own,
            POLICY: dict(self._policy),
            PARAMETERS: {"policy_node": json.dumps(self._parameters)},
            TOPICS: dict(self.roles),
        }
