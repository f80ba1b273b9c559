"""Latency statistics that cost the control path nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Latency:
    """A snapshot, ms; percentiles over the last samples, ``max``, ``count`` and ``misses`` over all."""

    p50: float
    p95: float
    p99: float
    max: float
    count: int
    misses: int


class LatencyStats:
    """Percentiles over a ring of the last samples, and a counter of missed deadlines.

    Args:
        capacity: size of the ring.
        deadline: ms; longer samples are misses.
        warm_up: first samples that count nowhere, so that a compilation never stays in the maximum.

    Attributes:
        deadline: see there; may be changed.
    """

    def __init__(self, capacity: int = 1024, deadline: float = np.inf, warm_up: int = 0) -> None:
        if capacity < 1:
            raise ValueError(f"capacity {capacity} must be at least 1")
        self._ring = np.zeros(capacity)
        self.deadline = deadline
        self._warm_up = warm_up
        self.reset()

    def reset(self) -> None:
        """Forget everything, and warm up again."""
        self._skip = self._warm_up
        self._count = self._misses = 0
        self._max = 0.0

    def add(self, milliseconds: float) -> None:
        """Note one sample, ms; NaN is ignored."""
        if milliseconds != milliseconds:
            return
        if self._skip > 0:
            self._skip -= 1
            return
        self._ring[self._count % len(self._ring)] = milliseconds
        self._count += 1
        if milliseconds > self._max:
            self._max = milliseconds
        if milliseconds > self.deadline:
            self._misses += 1

    def snapshot(self) -> Latency:
        """Statistics so far; NaN while there are none."""
        if not self._count:
            return Latency(np.nan, np.nan, np.nan, np.nan, 0, 0)
        filled = self._ring[: min(self._count, len(self._ring))]
        p50, p95, p99 = np.percentile(filled, (50, 95, 99)).tolist()
        return Latency(p50, p95, p99, self._max, self._count, self._misses)
