"""What the page shows, gathered from messages. Clocks are injected; nothing here subscribes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from std_msgs.msg import Float64MultiArray, String

from sag_ros.ros.policy import chunk_record
from sag_ros.ros.view.episodes import Episodes
from sag_ros.ros.view.figures import Figures
from sag_ros.ros.view.words import describe

_ERROR = DiagnosticStatus.ERROR
# Of the values in /diagnostics, what the page shows.
_GUARD = (
    "clipped", "refused", "late_actions", "stops", "largest_tracking_error_rad", "last_violation", "chunks",
    "inference_errors", "last_inference_error",
)  # fmt: skip
_LISTED = 6  # causes, and entries of the history


class Board:
    """Keeps the newest of everything, and when it came.

    Args:
        policy: name of the policy node.
        deadline: camera stamp to command, s, until it is known better.
    """

    def __init__(self, policy: str, deadline: float = 0.05) -> None:
        self._policy, self.deadline = policy, deadline
        self.figures, self.episodes = Figures(), Episodes()
        self._values: dict[str, str] = {}
        self._message, self._error = "", False
        self._runs: dict[str, str] = {}
        self._name = ""
        self.heard: dict[str, float] = {}  # source -> when, s
        self.present = False  # whether the policy node is on the graph

    def forget(self) -> None:
        """Begin anew, but for the episodes: what was heard before says nothing about now."""
        self.figures = Figures()
        self._values, self._message, self._error = {}, "", False
        self.heard = {name: when for name, when in self.heard.items() if name == "episodes"}

    def on_diagnostics(self, now: float, message: DiagnosticArray) -> None:
        """Take /diagnostics, of which only the policy's status counts."""
        for status in message.status:
            if status.name == f"{self._policy}: policy":
                self._values = {item.key: item.value for item in status.values}
                self._message, self._error = status.message, status.level == _ERROR
                self.heard["policy"] = now

    def on_timing(self, now: float, message: Float64MultiArray) -> None:
        """Take the record of a chunk; one that cannot be read is none."""
        try:
            record = chunk_record.read(message)
        except ValueError:
            return
        self.figures.add(now, record)
        self.heard["chunks"] = now

    def on_policy(self, now: float, message: DiagnosticStatus) -> None:
        """Take what runs and what could run."""
        self._name = message.message
        self._runs = {item.key: item.value for item in message.values}
        self.heard["runs"] = now

    def on_status(self, now: float, message: String) -> None:
        """Take the task status of a simulator; one that cannot be read is none."""
        try:
            status = json.loads(message.data)
        except ValueError:
            return
        if isinstance(status, dict):
            self.episodes.take(status)
            self.heard["episodes"] = now

    def ages(self, now: float) -> dict[str, float]:
        """s since each source was heard."""
        return {name: round(now - when, 2) for name, when in self.heard.items()}

    def quick(self, now: float) -> dict[str, Any]:
        """What changes with every chunk."""
        last = self.figures.last
        return {
            "ages": self.ages(now),
            "rate": round(self.figures.rate(now), 1),
            "density": None if last is None else round(last.density, 4),
            "rung": None if last is None else last.rung,
            "every": None if last is None else last.every,
        }

    def slow(self, now: float) -> dict[str, Any]:
        """What is worth saying twice a second."""
        heard = self.heard.get("policy")
        values: Mapping[str, str] = self._values
        causes = [
            {"text": values[f"cause {n}"], "remedy": values.get(f"remedy {n}", "")}
            for n in range(_LISTED)
            if f"cause {n}" in values
        ]
        named = {name.removeprefix("policies."): text for name, text in self._runs.items() if "." in name}
        return {
            "state": describe(values, self._message, self._error, None if heard is None else now - heard,
                              self.present, self._policy),
            "latency": self.figures.latency(now, self.deadline),
            "computed": values.get("computed", ""),
            "steps_down": values.get("steps_down", ""),
            "guard": {name: values[name] for name in _GUARD if name in values},
            "causes": causes,
            "history": [values[f"history {n}"] for n in range(_LISTED) if f"history {n}" in values],
            "runs": {"name": self._name, "next": self._runs.get("next", ""), "policies": named,
                     "engine": values.get("engine", "")},
            "episodes": self.episodes.told(),
        }  # fmt: skip
