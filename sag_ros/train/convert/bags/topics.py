"""What bags are like, topic by topic: rates, gaps, clocks, messages of no use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sag_ros.messages.stamps import SECOND
from sag_ros.train.convert.bags.recording import Heard

_APART = 1.0  # s: so far apart two topics cannot be for the time that messages take


@dataclass
class _Topic:
    kind: str
    messages: int = 0
    rates: list[float] = field(default_factory=list)
    longest: float = 0.0
    headers: set[bool] = field(default_factory=set)
    late: int = 0


class Topics:
    """Grows with each bag."""

    def __init__(self) -> None:
        self._topics: dict[str, _Topic] = {}
        self.notes: list[str] = []

    def recorded(self, name: str, heard: dict[str, Heard], epoch: int) -> None:
        """Look at a bag; ``epoch``: ns that its stamps count from."""
        delays = {}
        for topic, own in heard.items():
            one = self._topics.setdefault(topic, _Topic(own.kind))
            one.messages += len(own.stamps)
            one.headers.add(own.headers)
            one.late += int((np.diff(own.stamps) < 0.0).sum())
            steps = np.diff(np.unique(own.stamps))
            if len(steps):
                one.rates.append(float(1.0 / np.median(steps)))
                one.longest = max(one.longest, float(steps.max()))
            delays[topic] = float(np.median((own.received - epoch) / SECOND - own.stamps))
            if own.unusable:
                self.notes.append(
                    f"{name}: {own.unusable} of {len(own.stamps)} messages of {topic} could not be used, the "
                    f"first {own.why}"
                )
        if not delays:
            return
        least, most = (pick(delays, key=lambda topic: delays[topic]) for pick in (min, max))
        if delays[most] - delays[least] > _APART:
            self.notes.append(
                f"{name}: by its stamps, {most} was recorded {delays[most]:.2f} s after it was made, "
                f"{least} {delays[least]:.2f} s; synchronise the clocks they come from"
            )

    def content(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            topic: {
                "type": one.kind,
                "messages": one.messages,
                "rate": float(np.median(one.rates)) if one.rates else None,
                "longest_gap": one.longest,
                "stamps": " and ".join("header" if own else "receipt" for own in sorted(one.headers)),
                "out_of_order": one.late,
            }
            for topic, one in self._topics.items()
        }
