"""From what was heard to the figures that are shown."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from sag_ros.bench.latency.lag import STEP, Lag, lag
from sag_ros.bench.latency.stages import Summary, durations
from sag_ros.messages.stamps import SECOND
from sag_ros.ros.latency.listener import Heard
from sag_ros.ros.latency.usage import ThreadUse
from sag_ros.values import Float

_SAME = 0.02  # s: a command that arrives so long after it was published is the one of that chunk


@dataclass
class Measured:
    """One condition.

    Attributes:
        seconds: it was listened to.
        stages: name -> (N,) ms of every chunk; whole: camera stamp to published.
        chunks, executed, missed: how many.
        lag: of the joints behind the command.
        offsets: source -> age of its messages on arrival, ms: transport, and by how much its clock is behind
            ours. Transport takes a few tenths at least, so a smallest age below 0 is a clock that is ahead.
        fci: what a driver says of its control loop; empty where there is none.
        threads: of the graph's processes on this machine, the busiest first.
    """

    seconds: float
    stages: dict[str, Float] = field(default_factory=dict)
    whole: Float = field(default_factory=lambda: np.zeros(0))
    chunks: int = 0
    executed: int = 0
    missed: int = 0
    lag: Lag = field(default_factory=Lag)
    offsets: dict[str, dict[str, float]] = field(default_factory=dict)
    fci: dict[str, str] = field(default_factory=dict)
    threads: list[ThreadUse] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As plain values; NaN becomes None."""
        stages = {name: asdict(Summary.of(values)) for name, values in self.stages.items()}
        return _plain(
            {
                "seconds": self.seconds,
                "chunks": self.chunks,
                "executed": self.executed,
                "chunks_per_second": self.executed / self.seconds if self.seconds else 0.0,
                "deadline_misses": self.missed,
                "stages_ms": stages,
                "camera_to_published_ms": asdict(Summary.of(self.whole)),
                "motion_lag_ms": asdict(self.lag),
                "age_on_arrival_ms": self.offsets,
                "fci": self.fci or "not reported",
                "threads": [asdict(one) for one in self.threads],
            }
        )


def measure(heard: Heard, seconds: float, epoch: int) -> Measured:
    """The figures of ``seconds`` s; ``epoch``: of the listener's clock, ns since 1970."""
    done = [record for record in heard.records if not record.refused]
    ends = {
        name: np.array([getattr(record, f"{name}_ms") for record in done])
        for name in ("received", "encoded", "begun", "denoised", "spliced")
    }
    ends["pruned"] = ends["begun"] + np.array([record.pruner_ms for record in done])
    ends["published"] = np.array([record.latency_ms for record in done])
    published = np.array([record.publish_stamp - epoch / SECOND for record in done])
    ends["taken"] = ends["published"] + _transport(published, heard)
    found = Measured(seconds, durations(ends) if done else {}, ends["published"])
    found.chunks, found.executed = len(heard.records), len(done)
    found.missed = sum(record.missed for record in done)
    found.lag = _lag(heard)
    sources = {f"camera {name}": pairs for name, pairs in heard.frames.items()}
    sources["joint states"] = [(stamp, arrival) for stamp, arrival, _ in heard.joints]
    for name, pairs in sources.items():
        if pairs:
            ages = 1e3 * np.array([arrival - stamp for stamp, arrival in pairs])
            smallest, median = float(ages.min()), float(np.median(ages))
            found.offsets[name] = {"smallest": smallest, "median": median, "messages": len(ages)}
    found.fci = next((values for name, values in heard.statuses.items() if name.startswith("fci_node")), {})
    return found


def _transport(published: Float, heard: Heard) -> Float:
    """(N,) ms from publishing to arrival here; NaN where no command arrived in time."""
    arrivals = np.array([arrival for arrival, _ in heard.trajectories])
    if not len(arrivals):
        return np.full(len(published), np.nan)
    # Stamps of records are seconds since 1970 in a float: 0.24 microseconds.
    index = np.searchsorted(arrivals, published - 1e-5)
    after = np.append(arrivals, np.inf)[index]
    delay: Float = np.where(after - published < _SAME, 1e3 * np.maximum(after - published, 0.0), np.nan)
    return delay


def _lag(heard: Heard) -> Lag:
    joints, trajectories = heard.joints, heard.trajectories
    if len(joints) < 100 or not trajectories:
        return Lag()
    stamps = np.array([stamp for stamp, _, _ in joints])
    positions = np.stack([position for _, _, position in joints])
    order = np.argsort(stamps, kind="stable")
    times = np.arange(max(stamps.min(), trajectories[0][0]), stamps.max(), STEP)
    if not len(times):
        return Lag()
    measured = np.stack([np.interp(times, stamps[order], column[order]) for column in positions.T], axis=1)
    commanded = np.full_like(measured, np.nan)
    for index, (arrival, motion) in enumerate(trajectories):
        end = trajectories[index + 1][0] if index + 1 < len(trajectories) else np.inf
        first, last = np.searchsorted(times, (arrival, end))
        if last > first:
            commanded[first:last] = motion.sample(times[first:last])[0]
    return lag(commanded, measured)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, float):
        return round(value, 4) if np.isfinite(value) else None
    return value
