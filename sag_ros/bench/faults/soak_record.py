"""What an hour of faults was like: episodes, faults, and what the nodes held meanwhile."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from sag_ros.bench.faults.holding import Holding, least
from sag_ros.bench.faults.outcome import GoesOn, Outcome
from sag_ros.bench.run.statistics import percentile, wilson

WITHOUT_RESTART = (GoesOn.ALWAYS, GoesOn.ITSELF, GoesOn.RESUME)
_SETTLED = 0.1  # share of the time after which everything was loaded and used once
_PART = 0.25  # share of the time at the beginning and at the end that are compared


@dataclass(frozen=True)
class Sample:
    """What a node held ``at`` s after the beginning."""

    at: float
    node: str
    held: Holding


@dataclass
class SoakEpisode:
    """One episode: whether faults came in it, how it ended, how fast the policy was.

    Attributes:
        at: when it began, s after the beginning; lasted: s.
        faults: names of those that came.
        rate: executed chunks a second; latencies: ms, of all executed chunks.
        worst: of the violations, and how late commands came, ms.
        problem: why it could not be played, or an empty text.
    """

    at: float
    seed: int
    lasted: float = 0.0
    success: bool = False
    faults: list[str] = field(default_factory=list)
    rate: float = 0.0
    latencies: list[float] = field(default_factory=list)
    violations: int = 0
    worst: str = ""
    problem: str = ""


@dataclass
class SoakFault:
    """One fault ``at`` s after the beginning, and how the policy went on."""

    at: float
    fault: str
    goes_on: GoesOn
    rest: float
    jerk: float
    acceleration: float
    violations: int
    old: int
    remark: str = ""

    @classmethod
    def of(cls, at: float, outcome: Outcome) -> SoakFault:
        """What an outcome says, without its path."""
        return cls(
            at, outcome.fault, outcome.goes_on, outcome.rest, outcome.jerk, outcome.acceleration,
            outcome.violations, outcome.old, outcome.remark,
        )  # fmt: skip


@dataclass
class Soak:
    """Everything; ``lasted`` is s."""

    lasted: float = 0.0
    samples: list[Sample] = field(default_factory=list)
    episodes: list[SoakEpisode] = field(default_factory=list)
    faults: list[SoakFault] = field(default_factory=list)

    def growth(self) -> list[str]:
        """What a node holds at the end that it did not at the beginning; empty if nothing.

        Compared is the least of each in the first quarter, once everything was used once, and in the last.
        """
        found = []
        for node in sorted({sample.node for sample in self.samples}):
            own = [sample for sample in self.samples if sample.node == node]
            first = [s.held for s in own if _SETTLED <= s.at / self.lasted <= _SETTLED + _PART]
            last = [s.held for s in own if s.at / self.lasted >= 1.0 - _PART]
            if first and last:
                found += [f"{node}: {more}" for more in least(last).left_over(least(first))]
        return found

    @property
    def violations(self) -> int:
        """Of limits, at the simulated arm."""
        return sum(episode.violations for episode in self.episodes)

    @property
    def restarts(self) -> int:
        """How often the policy had to be activated or started again, or an episode could not be played."""
        stuck = sum(fault.goes_on not in WITHOUT_RESTART for fault in self.faults)
        return stuck + sum(bool(episode.problem) for episode in self.episodes)

    def wrong(self) -> list[str]:
        """What must not be; empty if nothing."""
        found = []
        if self.violations:
            found.append(f"{self.violations} limit violations")
        if self.restarts:
            found.append(f"{self.restarts} restarts were needed")
        old = sum(fault.old for fault in self.faults)
        if old:
            found.append(f"{old} chunks of observations from before a stop")
        return found + self.growth()

    def summary(self) -> dict[str, Any]:
        """Numbers for a person and for JSON."""
        quiet = [episode for episode in self.episodes if not episode.faults and not episode.problem]
        spoilt = [episode for episode in self.episodes if episode.faults and not episode.problem]
        latencies = [value for episode in quiet for value in episode.latencies]
        rates = [episode.rate for episode in quiet if episode.rate]
        return {
            "minutes": round(self.lasted / 60.0, 1),
            "faults": len(self.faults),
            "kinds": len({fault.fault for fault in self.faults}),
            "goes_on": dict(Counter(fault.goes_on.value for fault in self.faults)),
            "violations": self.violations,
            "restarts": self.restarts,
            "worst_rest_s": _largest([fault.rest for fault in self.faults]),
            "worst_jerk": _largest([fault.jerk for fault in self.faults]),
            "worst_acceleration": _largest([fault.acceleration for fault in self.faults]),
            "episodes_between": _share(quiet),
            "episodes_with_faults": _share(spoilt),
            "chunks_per_second": _round(float(np.median(rates))) if rates else None,
            "latency_p50_ms": _round(percentile(latencies, 50)),
            "latency_p99_ms": _round(percentile(latencies, 99)),
            "growth": self.growth(),
        }

    def plain(self) -> dict[str, Any]:
        """All of it, for JSON; of the latencies p50 and p99."""
        episodes = []
        for episode in self.episodes:
            one = asdict(episode)
            times = one.pop("latencies")
            one["latency_ms"] = [_round(percentile(times, 50)), _round(percentile(times, 99))]
            episodes.append(_rounded(one))
        faults = [_rounded(asdict(fault)) for fault in self.faults]
        columns: dict[str, dict[str, list[float]]] = {}
        for sample in self.samples:
            own = columns.setdefault(sample.node, {"at": [], "threads": [], "descriptors": [], "memory": []})
            for name, value in {"at": sample.at, **asdict(sample.held)}.items():
                own[name].append(round(value, 1))
        return {**self.summary(), "episodes": episodes, "each": faults, "held": columns}


def _share(episodes: list[SoakEpisode]) -> dict[str, Any]:
    successes = sum(episode.success for episode in episodes)
    low, high = wilson(successes, len(episodes))
    return {"successes": successes, "of": len(episodes), "ci95": [round(low, 3), round(high, 3)]}


def _largest(values: list[float]) -> float | None:
    finite = [value for value in values if np.isfinite(value)]
    return round(max(finite), 3) if finite else None


def _rounded(plain: dict[str, Any]) -> dict[str, Any]:
    return {name: _round(value) if isinstance(value, float) else value for name, value in plain.items()}


def _round(value: float) -> float | None:
    return round(value, 3) if np.isfinite(value) else None
