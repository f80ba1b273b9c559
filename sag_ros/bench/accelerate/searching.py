"""Search static schedules of several densities, a process for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sag_ros.bench.accelerate.candidates import searched_name
from sag_ros.bench.run.pool import run, worker_pool
from sag_ros.policy.bundle import load_bundle
from sag_ros.policy.samplers import table_for
from sag_ros.pruning.static_masks import forced_blocks, geometric_mask
from sag_ros.pruning.stored import Schedule, StoredReuse, save_schedule
from sag_ros.train.data.bundle_windows import policy_windows
from sag_ros.train.run.stop import Stop
from sag_ros.train.schedules.action_error import ActionErrorMetric, Pruned
from sag_ros.train.schedules.mutate import MutationSpace
from sag_ros.train.schedules.prior import starts
from sag_ros.train.schedules.search import ScheduleSearch, SearchConfig, search_batches

_WINDOWS = (8, 24, 32, 32, 32)
_RULES: tuple[StoredReuse, ...] = ("type", "block")


@dataclass(frozen=True)
class Setting:
    """Of all searches.

    Attributes:
        bundle, data: folders. features: file that keeps what the encoder gives. out: of states to resume.
        episodes: of the data, the first so many; None: all. sampler, engine: names.
    """

    bundle: Path
    data: Path
    features: Path
    out: Path
    episodes: int | None = None
    sampler: str = "ddpm"
    engine: str = "auto"


@dataclass(frozen=True)
class Searched:
    """What a search has found; ``method``: its name."""

    method: str
    file: str
    reuse: str
    tried: int
    density: float
    before: float
    after: float


class Searcher:
    """Searches in one process."""

    def __init__(self, setting: Setting) -> None:
        torch.set_num_threads(1)
        self._setting = setting
        self._bundle = load_bundle(setting.bundle)
        self._table = table_for(setting.sampler, self._bundle.contract)
        self._windows = policy_windows(self._bundle, setting.data, setting.features, setting.episodes)
        self._metrics: dict[str, ActionErrorMetric] = {}

    def run(self, density: float, seconds: float, proposals: int | None) -> Searched:
        """Search until the time is up, or so many changes are tried; the schedule is kept in the bundle."""
        rule, start = self._start(density)
        metric, windows = self._metric(rule), self._windows.training
        everything = torch.arange(len(windows))
        config = SearchConfig(windows=_WINDOWS)
        batches = search_batches(config, metric, windows, everything)
        name = searched_name(density)
        # The price keeps a search from buying a smaller error with more blocks than are wanted.
        search = ScheduleSearch(
            config,
            metric,
            batches,
            MutationSpace(forced_blocks(self._bundle.contract.blocks, rule)),
            proposals,
            10.0,
            density,
            self._setting.out / f"{name}.npz",
        )
        with Stop(seconds / 60.0) as stop:
            best, tried = search.run(start, stop)
        fresh = metric.batch(windows, everything, 64, 99)  # of the episodes trained on, not searched with
        before, after = (round(metric.distance(mask, fresh), 5) for mask in (start, best))
        provenance = {
            "method": "sag accelerate: hill climbing on the distance to demonstrated actions",
            "data": self._setting.data.name,
            "tried": tried,
            "l1": after,
            "l1_start": before,
        }
        schedule = Schedule(*best.shape, rule, best, provenance=provenance)
        file = save_schedule(self._bundle, name, schedule)
        found = 1.0 - float(best.mean())
        return Searched(name, file.name, rule, tried, round(found, 4), before, after)

    def _metric(self, rule: StoredReuse) -> ActionErrorMetric:
        if rule not in self._metrics:
            self._metrics[rule] = ActionErrorMetric(self._bundle, self._table, rule, self._setting.engine)
        return self._metrics[rule]

    def _start(self, density: float) -> tuple[StoredReuse, Pruned]:
        """The best of what is known without a search, and what its pruned blocks read."""
        steps, blocks = len(self._table), self._bundle.contract.blocks
        windows, found = self._windows.training, []
        for rule in _RULES:
            metric = self._metric(rule)
            batch = metric.batch(windows, torch.arange(len(windows)), 48, 7)
            masks = starts(steps, blocks, density, rule)
            count = int(np.clip(round(density * steps), 1, steps))
            masks.append(geometric_mask(steps, blocks, count).pruned.copy())
            found += [(metric.distance(mask, batch), number, rule, mask) for number, mask in enumerate(masks)]
        _, _, rule, mask = min(found, key=lambda one: (one[0], one[1]))
        return rule, mask


def search_all(
    setting: Setting,
    densities: Sequence[float],
    seconds: float,
    processes: int,
    proposals: int | None = None,
) -> Iterator[Searched]:
    """Search one schedule for each density, sharing ``seconds`` of ``processes`` processes, or until each
    has tried ``proposals`` changes."""
    processes = min(processes, len(densities))
    each = seconds * processes / len(densities)
    jobs: list[tuple[Any, ...]] = [(density, each, proposals) for density in densities]
    if processes == 1:
        searcher = Searcher(setting)
        yield from (searcher.run(*job) for job in jobs)
        return
    with worker_pool(Searcher, setting, processes) as pool:
        yield from pool.imap_unordered(run, jobs)
