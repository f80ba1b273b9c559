"""What many stories came to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sag_ros.bench.fuzz.play import Outcome

SIZES = (8, 64)  # actions; the time of a call is bounded for each


@dataclass
class Tally:
    """Sums over stories; JSON-ready through :meth:`summary`.

    Attributes:
        stories, chunks, accepted, clipped: how many.
        refusals: kind -> how often.
        cpu_ms: by size, processor time of every call on chunks of at most that many actions (-1: more).
        longest_ms: the longest call by the clock, which also other processes lengthen.
    """

    stories: int = 0
    chunks: int = 0
    accepted: int = 0
    clipped: int = 0
    longest_ms: float = 0.0
    refusals: Counter[str] = field(default_factory=Counter)
    cpu_ms: dict[int, list[np.ndarray]] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        """One more story."""
        self.stories += 1
        self.chunks += outcome.chunks
        self.accepted += outcome.accepted
        self.clipped += outcome.clipped
        self.refusals += outcome.refusals
        self.longest_ms = max([self.longest_ms, *outcome.chunk_ms])
        cpu, actions = (
            np.array(outcome.cpu_ms, dtype=np.float32),
            np.array(outcome.actions[: len(outcome.cpu_ms)]),
        )
        below = 0
        for size in SIZES:
            self._keep(size, cpu[(actions > below) & (actions <= size)])
            below = size
        self._keep(-1, cpu[actions > below])

    def merge(self, other: Tally) -> None:
        """All of ``other``'s stories, too."""
        for name in ("stories", "chunks", "accepted", "clipped"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.refusals += other.refusals
        self.longest_ms = max(self.longest_ms, other.longest_ms)
        for size, parts in other.cpu_ms.items():
            for part in parts:
                self._keep(size, part)

    def _keep(self, size: int, calls: np.ndarray) -> None:
        if len(calls):
            self.cpu_ms.setdefault(size, []).append(calls)

    def summary(self) -> dict[str, Any]:
        """As plain values; the times of calls in ms as p50, p99, p99.9 and maximum."""
        calls = {}
        for size in sorted(self.cpu_ms, key=lambda size: size % 1000):
            of_size = np.concatenate(self.cpu_ms[size])
            name = f"up to {size} actions" if size > 0 else f"more than {SIZES[-1]} actions"
            p50, p99, p999 = (round(float(value), 3) for value in np.percentile(of_size, (50, 99, 99.9)))
            calls[name] = {
                "calls": len(of_size),
                "p50": p50,
                "p99": p99,
                "p99.9": p999,
                "max": round(float(of_size.max()), 3),
            }
        return {
            "stories": self.stories,
            "chunks": self.chunks,
            "accepted": self.accepted,
            "clipped": self.clipped,
            "refused": dict(self.refusals.most_common()),
            "on_chunk_cpu_ms": calls,
            "longest_on_chunk_ms": round(self.longest_ms, 3),
        }
