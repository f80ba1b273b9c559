"""Rate and latency of the last chunks, as numbers and as a histogram. No ROS."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from sag_ros.ros.policy.chunk_record import ChunkRecord

WINDOW = 30.0  # s of which latencies are shown
RATE_WINDOW = 3.0  # s over which the rate is taken
BINS = 40


class Figures:
    """Keeps the records of the last half minute."""

    def __init__(self) -> None:
        self._heard: deque[tuple[float, ChunkRecord]] = deque()

    def add(self, now: float, record: ChunkRecord) -> None:
        """Take a record that came at ``now``, s."""
        self._heard.append((now, record))

    @property
    def last(self) -> ChunkRecord | None:
        """The newest record."""
        return self._heard[-1][1] if self._heard else None

    def rate(self, now: float) -> float:
        """Executed chunks a second; 0 without any."""
        stamps = [
            record.publish_stamp
            for when, record in self._heard
            if not record.refused and now - when <= RATE_WINDOW
        ]
        return (len(stamps) - 1) / (stamps[-1] - stamps[0]) if len(stamps) > 1 else 0.0

    def latency(self, now: float, deadline: float) -> dict[str, Any]:
        """Latencies of executed chunks, ms.

        Args:
            now: s; deadline: s.

        Returns:
            ``counts`` in ``BINS`` bins from 0 to ``top`` (twice the deadline; what is later counts in the
            last), ``deadline``, ``p50``, ``p99``, ``late`` of ``total``.
        """
        while self._heard and now - self._heard[0][0] > WINDOW:
            self._heard.popleft()
        found = np.array([record.latency_ms for _, record in self._heard if not record.refused])
        limit, top = 1e3 * deadline, 2e3 * deadline
        counts, _ = np.histogram(found.clip(0.0, np.nextafter(top, 0.0)), BINS, (0.0, top))
        p50, p99 = np.percentile(found, [50, 99]).round(1).tolist() if len(found) else (None, None)
        return {
            "counts": counts.tolist(),
            "top": top,
            "deadline": limit,
            "p50": p50,
            "p99": p99,
            "late": int((found > limit).sum()),
            "total": len(found),
        }
