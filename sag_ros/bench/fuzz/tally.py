"""What many stories came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sag_ros.bench.fuzz.play import Outcome
from sag_ros.control.splice import SpliceSettings

# Chunks of at most so many actions; the time of a call is bounded for each, at the default step of a command.
SIZES = {8: "up to 8 actions", 64: "9 to 64 actions", 10**9: "more actions"}
FINE = "finer steps"
SLOWEST = 16  # stories kept of each


def by_size(outcome: Outcome, cpu_ms: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Times of the calls of a story, by the name of what bounds them."""
    if outcome.step < SpliceSettings.step:
        yield FINE, cpu_ms
        return
    actions, below = np.array(outcome.actions[: len(cpu_ms)]), 0
    for size, name in SIZES.items():
        yield name, cpu_ms[(actions > below) & (actions <= size)]
        below = size


@dataclass
class Tally:
    """Sums over stories; JSON-ready through :meth:`summary`.

    Attributes:
        stories, chunks, accepted, clipped: how many.
        refusals, acts: kind -> how often.
        cpu_ms: by name, processor time of every call; it counts what the core did for others meanwhile.
        longest_ms: the longest call by the clock, which also other processes lengthen.
        slowest: by name, longest call of a story (processor time, ms) and the story's seed; the first few.
    """

    stories: int = 0
    chunks: int = 0
    accepted: int = 0
    clipped: int = 0
    longest_ms: float = 0.0
    refusals: Counter[str] = field(default_factory=Counter)
    acts: Counter[str] = field(default_factory=Counter)
    cpu_ms: dict[str, list[np.ndarray]] = field(default_factory=dict)
    slowest: dict[str, list[tuple[float, int]]] = field(default_factory=dict)

    def add(self, outcome: Outcome, seed: int) -> None:
        """One more story, drawn from ``seed``."""
        self.stories += 1
        self.chunks += outcome.chunks
        self.accepted += outcome.accepted
        self.clipped += outcome.clipped
        self.refusals += outcome.refusals
        self.acts += outcome.acts
        self.longest_ms = max([self.longest_ms, *outcome.chunk_ms])
        for name, calls in by_size(outcome, np.array(outcome.cpu_ms, dtype=np.float32)):
            if len(calls):
                self.cpu_ms.setdefault(name, []).append(calls)
                self._remember(name, [(float(calls.max()), seed)])

    def merge(self, other: Tally) -> None:
        """All of ``other``'s stories, too."""
        for name in ("stories", "chunks", "accepted", "clipped"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.refusals += other.refusals
        self.acts += other.acts
        self.longest_ms = max(self.longest_ms, other.longest_ms)
        for name, parts in other.cpu_ms.items():
            self.cpu_ms.setdefault(name, []).extend(parts)
            self._remember(name, other.slowest[name])

    def _remember(self, name: str, calls: list[tuple[float, int]]) -> None:
        self.slowest[name] = sorted(self.slowest.get(name, []) + calls, reverse=True)[:SLOWEST]

    def summary(self) -> dict[str, Any]:
        """As plain values; the times of calls in ms as p50, p99, p99.9 and maximum."""
        calls = {}
        for name in (*SIZES.values(), FINE):
            if name not in self.cpu_ms:
                continue
            every = np.concatenate(self.cpu_ms[name])
            p50, p99, p999 = (round(float(value), 3) for value in np.percentile(every, (50, 99, 99.9)))
            most = round(float(every.max()), 3)
            calls[name] = {"calls": len(every), "p50": p50, "p99": p99, "p99.9": p999, "max": most}
        return {
            "stories": self.stories,
            "chunks": self.chunks,
            "accepted": self.accepted,
            "clipped": self.clipped,
            "refused": dict(self.refusals.most_common()),
            "acts": dict(self.acts.most_common()),
            "on_chunk_cpu_ms": calls,
            "longest_on_chunk_ms": round(self.longest_ms, 3),
        }
