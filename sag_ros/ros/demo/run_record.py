"""What a demo run was like: episodes with their chunks, and the summary made of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sag_ros.ros.policy.chunk_record import ChunkRecord


@dataclass
class Episode:
    """One episode of a run.

    Attributes:
        number, seed: from the simulator.
        chunks: in the order they arrived.
        masks: observation stamp (s) -> (K, 3L) bool, True = pruned.
        success, message, duration: how it ended; s.
        limit_violations: seen by the simulator's monitor.
        policy: what policy_node said of itself at the end.
    """

    number: int
    seed: int
    chunks: list[ChunkRecord] = field(default_factory=list)
    masks: dict[float, NDArray[np.bool_]] = field(default_factory=dict)
    success: bool = False
    message: str = ""
    duration: float = 0.0
    limit_violations: int = 0
    policy: str = ""

    @property
    def executed(self) -> list[ChunkRecord]:
        """Chunks that were published."""
        return [chunk for chunk in self.chunks if not chunk.refused]


def chunk_rate(episodes: Iterable[Episode]) -> float:
    """Published chunks per second while the policy ran, Hz; pauses between episodes do not count."""
    intervals, duration = 0, 0.0
    for episode in episodes:
        stamps = [chunk.publish_stamp for chunk in episode.executed]
        if len(stamps) > 1:
            intervals += len(stamps) - 1
            duration += stamps[-1] - stamps[0]
    return intervals / duration if duration > 0 else 0.0


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """p50, p99 and max; zeros for no values."""
    if not len(values):
        return {"p50": 0.0, "p99": 0.0, "max": 0.0}
    p50, p99 = np.percentile(values, [50, 99])
    return {"p50": round(float(p50), 3), "p99": round(float(p99), 3), "max": round(float(np.max(values)), 3)}


def _median(values: Sequence[float]) -> float:
    return round(float(np.median(values)), 3) if len(values) else 0.0


def summarise(episodes: Sequence[Episode], engine: str, hardware: Mapping[str, Any]) -> dict[str, Any]:
    """The content of summary.json. Times in ms; encode_ms and pruner_ms are medians."""
    chunks = [chunk for episode in episodes for chunk in episode.executed]
    densities = [chunk.density for chunk in chunks]
    return {
        "episodes": len(episodes),
        "successes": sum(episode.success for episode in episodes),
        "chunk_rate_hz": round(chunk_rate(episodes), 2),
        "latency_ms": percentiles([chunk.latency_ms for chunk in chunks]),
        "inference_ms": percentiles([chunk.inference_ms for chunk in chunks]),
        "encode_ms": _median([chunk.encode_ms for chunk in chunks]),
        "pruner_ms": _median([chunk.pruner_ms for chunk in chunks]),
        "density": round(float(np.mean(densities)), 4) if densities else 0.0,
        "deadline_misses": sum(chunk.missed for chunk in chunks),
        "limit_violations": sum(episode.limit_violations for episode in episodes),
        "clipped": sum(chunk.clipped for chunk in chunks),
        "engine": engine,
        "hardware": dict(hardware),
    }
