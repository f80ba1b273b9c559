"""What happens on the graph that is worth a mark or a recording, as the nodes tell it. No ROS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

HELD = ("stopping", "holding", "fault")
_SILENT = 2.0  # s without a word of a policy node that was active


@dataclass(frozen=True)
class Event:
    """Something happened.

    Attributes:
        kind: ``state`` (of the supervisor), ``lifecycle``, ``stop``, ``fault``, ``failure`` (of an episode),
            ``silent`` (the policy node says nothing any more), ``episode``, ``operator``.
        text: for a person.
    """

    kind: str
    text: str


class Events:
    """Compares what is told with what was told before.

    Attributes:
        episode: number of the running one, as the task status tells; None where nobody does.
        status: the last task status.
        outcome: ``success``, ``failure`` or empty: what the operator said of the running episode.
    """

    def __init__(self) -> None:
        self._state, self._lifecycle, self._stops = "", "", -1
        self._heard: float | None = None
        self._counted = True  # whether how the running episode ended was told
        self.status: dict[str, Any] = {}
        self.outcome = ""

    @property
    def episode(self) -> int | None:
        """See the class."""
        number = self.status.get("episode")
        return number if isinstance(number, int) else None

    def on_policy(self, now: float, message: str, values: Mapping[str, str]) -> list[Event]:
        """Take the status of the policy node; ``now``: monotonic, s."""
        self._heard = now
        found = []
        state, lifecycle = values.get("state", ""), values.get("lifecycle", "")
        stops = int(values.get("stops", "0") or 0)
        reason = values.get("reason", "") or message
        before, was = self._state, self._lifecycle
        self._state, self._lifecycle = state, lifecycle
        if lifecycle != was and was:
            why = values.get("deactivated", "") or message
            found.append(Event("lifecycle", f"{was} to {lifecycle}: {why}"))
        if lifecycle == "active" and was != "active":
            self._counted = False
        if state != before and before:
            found.append(Event("state", f"{before} to {state}: {reason}"))
        stopped = self._stops >= 0 and stops > self._stops
        self._stops = stops
        if lifecycle == "active" and was == "active":
            entered = state != before and state in HELD and before not in HELD
            if state == "fault" and before != "fault":
                found.append(Event("fault", reason))
            elif stopped or entered:  # even if it goes on already
                found.append(Event("stop", reason))
        if was == "active" and lifecycle != "active":
            found += self._end()
        return found

    def on_status(self, status: Mapping[str, Any]) -> list[Event]:
        """Take the task status."""
        before, self.status = self.status, dict(status)
        number = self.episode
        if not before or before.get("episode") == number:
            return []
        self.outcome = ""
        text = "" if number is None else f"{number}, seed {status.get('seed', '?')}"
        ended = before.get("message", "")
        if text and ended:
            text += f"; the one before: {'success' if before.get('success') else 'no success'}, {ended}"
        return [Event("episode", text)]

    def _end(self) -> list[Event]:
        """The policy was deactivated: an episode without success has failed."""
        if self._counted or not self.status or self.outcome:
            return []
        self._counted = True
        if self.status.get("success", True):
            return []
        return [Event("failure", f"episode {self.episode}: {self.status.get('message', '')}")]

    def mark(self, outcome: str) -> Event:
        """The operator says how the episode ended."""
        self.outcome = outcome
        return Event("operator", f"{outcome} of episode {self.episode}")

    def look(self, now: float) -> list[Event]:
        """Notice that a policy node that was active is silent; ``now``: monotonic, s."""
        if self._lifecycle != "active" or self._heard is None or now - self._heard < _SILENT:
            return []
        self._lifecycle = self._state = ""
        return [Event("silent", f"the policy node has said nothing for {_SILENT:g} s")]
