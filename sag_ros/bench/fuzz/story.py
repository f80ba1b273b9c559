"""A story: where an arm begins, and what comes to its supervisor when; kept as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sag_ros.values import ActionChunk, Float

# What happens beside chunks: the supervisor is told to hold, is started again, is paused, told to go on, sent
# home; a human takes the arm, moves it while it is let, gives it back.
ACTS = ("hold", "restart", "pause", "resume", "home", "take", "move", "give back")


@dataclass(frozen=True)
class Event:
    """Something that happens.

    Attributes:
        now: s on the clock of the stamps.
        kind: of the chunk, or what else happens: see :data:`ACTS`.
        chunk: None for those.
        place: (J,) where the arm is moved, rad; of ``move`` alone.
    """

    now: float
    kind: str
    chunk: ActionChunk | None = None
    place: Float | None = None


@dataclass(frozen=True)
class Story:
    """What is played.

    Attributes:
        seed: of the author.
        start: (J,) where the arm rests at time 0, rad.
        splice, limits: settings of the splice and of the supervisor that differ from the defaults.
        events: in order of their times.
    """

    seed: int
    start: Float
    splice: dict[str, float]
    limits: dict[str, float]
    events: tuple[Event, ...] = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """As plain values; actions that are not finite become texts."""
        events = []
        for event in self.events:
            entry: dict[str, Any] = {"now": event.now, "kind": event.kind}
            if event.chunk is not None:
                entry |= {
                    "stamp": _plain(event.chunk.stamp),
                    "period": _plain(event.chunk.period),
                    "positions": _plain(np.asarray(event.chunk.positions).tolist()),
                    "gripper": _plain(np.asarray(event.chunk.gripper).tolist()),
                }
            if event.place is not None:
                entry["place"] = event.place.tolist()
            events.append(entry)
        settings = {"splice": self.splice, "limits": self.limits}
        return {"seed": self.seed, "start": self.start.tolist(), **settings, "events": events}

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> Story:
        """What :meth:`to_json` made."""
        events = []
        for part in entry["events"]:
            chunk = None
            if "positions" in part:
                arrays = (np.array(_numbers(part[name]), dtype=float) for name in ("positions", "gripper"))
                chunk = ActionChunk(_numbers(part["stamp"]), _numbers(part["period"]), *arrays)
            place = np.array(part["place"]) if "place" in part else None
            events.append(Event(part["now"], part["kind"], chunk, place))
        start = np.array(entry["start"], dtype=float)
        return cls(entry["seed"], start, entry["splice"], entry["limits"], tuple(events))


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return float(value) if np.isfinite(value) else str(float(value))


def _numbers(value: Any) -> Any:
    return [_numbers(part) for part in value] if isinstance(value, list) else float(value)
