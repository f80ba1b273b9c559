"""``sag search schedule``: static schedules of other papers, searched for a policy and kept in its bundle."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from sag_ros.bench.masks.study import mean_mask
from sag_ros.bench.schedules.closed_loop import ClosedLoopFitness, Setting, as_result, fitness_text, players
from sag_ros.engines.registry import build_mask_source_for
from sag_ros.policy.bundle import PolicyBundle, load_bundle
from sag_ros.policy.samplers import table_for
from sag_ros.pruning.static_masks import forced_blocks
from sag_ros.pruning.stored import (
    Schedule,
    StoredReuse,
    load_schedule,
    mask_of,
    save_schedule,
    schedule_key,
)
from sag_ros.seeds import require_development
from sag_ros.train.data.bundle_windows import PolicyWindows, policy_windows
from sag_ros.train.run.stop import Stop
from sag_ros.train.schedules.action_error import ActionErrorMetric
from sag_ros.train.schedules.activations import block_residuals, change
from sag_ros.train.schedules.bac import bac_mask
from sag_ros.train.schedules.evolution import Evolution, EvolutionConfig
from sag_ros.train.schedules.mutate import MutationSpace
from sag_ros.train.schedules.prior import starts
from sag_ros.train.schedules.search import ScheduleSearch, SearchConfig, search_batches
from sag_ros.train.schedules.thin import thin

Pruned = NDArray[np.bool_]
_PRICE = 10.0  # of the density above the wanted one, normalised action units


@dataclass(frozen=True)
class ScheduleSearching:
    """Search a static schedule and keep it in the bundle as <method><density in percent>; EVO resumes."""

    data: Path
    """demonstrations, a zarr folder"""
    bundle: Path
    """folder of the policy; the schedule is added to it"""
    method: Literal["bac", "evo", "mean", "searched"]
    """bac: similarity of residuals (BAC); evo: evolution with closed-loop success (EVO); mean: the mean of
    a pruner's masks, the same for every observation (kept as sag_mean; of sag_block12 as sag_block_mean12);
    searched: changes that bring the actions nearer to the demonstrated ones"""
    of: str = "sag"
    """mean: of which pruner, sag or sag_block, with its number where it has one"""
    density: float = 0.09
    """share of the blocks to compute, at most; of mean: that of the pruner"""
    reuse: StoredReuse = "block"
    """searched: what a pruned block reads"""
    start: str | None = None
    """searched: schedule to begin with; where it has more blocks, the least needed are pruned first. Default:
    the best that needs no search"""
    proposals: int = 1500
    """searched: changes that are tried"""
    sampler: str = "ddpm"
    """ddpm, or ddimN"""
    out: Path = Path("out/train/schedules")
    """state of the search; the features beside it serve other trainings, too"""
    task: str = "pick_release"
    """evo: task of the simulated robot"""
    episodes: int = 8
    """evo: for each candidate"""
    first_seed: int = 50_000
    """evo: of the episodes; far from those of the benchmarks"""
    processes: int = 2
    """evo: episodes at the same time"""
    structured: bool = True
    """evo: the first population also holds schedules of whole steps (train.prior); in EVO all are drawn"""
    evolution: EvolutionConfig = field(default_factory=EvolutionConfig)
    unions: int = 5
    """bac: blocks of the bubbling union"""
    windows: int = 12
    """bac, evo: windows of demonstrations whose residuals are looked at; mean: 50 times as many"""
    engine: str = "auto"
    """that executes candidates"""
    minutes: float | None = None
    """evo: end after this time"""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.of.rstrip("0123456789") not in ("sag", "sag_block"):
            raise ValueError(f"--of {self.of}: the pruners whose mean is kept are sag and sag_block")
        require_development(self.first_seed, self.episodes, "--first-seed")

    def run(self) -> Path:
        """Search and save; returns the file."""
        torch.set_num_threads(1)
        started = time.monotonic()
        bundle = load_bundle(self.bundle)
        table = table_for(self.sampler, bundle.contract)
        reuse = self._reuse()
        metric = ActionErrorMetric(bundle, table, reuse, self.engine)
        windows = policy_windows(bundle, self.data, self.out.parent / "features.safetensors")
        ways = {"bac": self._bac, "evo": self._evo, "mean": self._mean, "searched": self._searched}
        find = ways[self.method]
        pruned, result = find(bundle, metric, windows)
        held_out = metric.batch(windows.validation, torch.arange(len(windows.validation)), 64, 0)
        provenance = {
            "arguments": self._arguments(),
            "held_out": metric.errors(pruned, held_out),
            "minutes": round((time.monotonic() - started) / 60.0, 1),
            **result,
        }
        name = f"{self.method}{round(100 * self.density)}"
        if self.method == "mean":
            pruner = self.of.rstrip("0123456789")
            name = f"{pruner}_mean{self.of.removeprefix(pruner)}"
        key = schedule_key(name, metric.steps, bundle.contract.diffusion.steps)
        steps, blocks = pruned.shape
        file = save_schedule(bundle, key, Schedule(steps, blocks, reuse, pruned, provenance=provenance))
        shown = {k: v for k, v in provenance.items() if k != "arguments"}
        print(f"{file}: {shown}", flush=True)
        return file

    def _reuse(self) -> StoredReuse:
        if self.method == "searched":
            return self.reuse
        shared = self.method == "mean" and not self.of.startswith("sag_block")
        return "type" if shared else "block"

    def _arguments(self) -> dict[str, Any]:
        own = {k: v for k, v in asdict(self).items() if k not in ("out", "bundle", "minutes", "processes")}
        if self.method != "evo":
            for name in ("evolution", "task", "episodes", "first_seed", "structured"):
                del own[name]
        if self.method != "searched":
            for name in ("reuse", "start", "proposals"):
                del own[name]
        return {**own, "data": self.data.name}

    def _bac(
        self, bundle: PolicyBundle, metric: ActionErrorMetric, windows: PolicyWindows
    ) -> tuple[Pruned, dict[str, Any]]:
        return bac_mask(self._residuals(bundle, metric, windows), self.density, self.unions), {}

    def _residuals(
        self, bundle: PolicyBundle, metric: ActionErrorMetric, windows: PolicyWindows
    ) -> NDArray[np.float32]:
        """Of one demonstration, as in BAC: windows spread over the first episode that is trained on."""
        frames = windows.training.frames
        ends = np.flatnonzero(np.diff(frames[:, 0].numpy()) != 1)
        episode = torch.arange(int(ends[0]) + 1 if len(ends) else len(frames))
        spread = episode[torch.linspace(0, len(episode) - 1, min(self.windows, len(episode))).long()]
        batch = metric.batch(windows.training, spread, len(spread), self.seed)
        return block_residuals(bundle, metric.table, batch)

    def _mean(
        self, bundle: PolicyBundle, metric: ActionErrorMetric, windows: PolicyWindows
    ) -> tuple[Pruned, dict[str, Any]]:
        everything = torch.arange(len(windows.training))
        batch = metric.batch(windows.training, everything, 50 * self.windows, self.seed)
        source = build_mask_source_for("reference", self.of, bundle, metric.steps)  # of this sampler
        masks = np.stack([source.mask(features).pruned for features in batch.features])
        return mean_mask((~masks).mean(axis=0), metric.reuse).pruned, {"masks": len(masks)}

    def _searched(
        self, bundle: PolicyBundle, metric: ActionErrorMetric, windows: PolicyWindows
    ) -> tuple[Pruned, dict[str, Any]]:
        steps, blocks = metric.steps, bundle.contract.blocks
        everything = torch.arange(len(windows.training))
        config = SearchConfig(proposals=self.proposals, seed=self.seed)
        batches = search_batches(config, metric, windows.training, everything)
        key = "" if self.start is None else schedule_key(self.start, steps, bundle.contract.diffusion.steps)
        if key:
            given = load_schedule(bundle, key)
            if given.reuse != self.reuse:
                raise ValueError(f"--start {self.start} has caches by {given.reuse}: --reuse {given.reuse}")
            start = mask_of(given).pruned
            forced, batch = forced_blocks(blocks, self.reuse), batches[1]
            start = thin(start, self.density, forced, lambda pruned: metric.distance(pruned, batch))
        else:
            candidates = starts(steps, blocks, self.density, self.reuse)
            start = min(candidates, key=lambda pruned: metric.distance(pruned, batches[1]))
        state = self.out / f"searched{round(100 * self.density)}-{steps}-{self.reuse}.npz"
        space = MutationSpace(forced_blocks(blocks, self.reuse))
        # The price keeps it from buying a smaller error with more blocks than are wanted.
        search = ScheduleSearch(config, metric, batches, space, self.proposals, _PRICE, self.density, state)
        with Stop(self.minutes) as stop:
            pruned, tried = search.run(start, stop)
        return pruned, {"tried": tried}

    def _evo(
        self, bundle: PolicyBundle, metric: ActionErrorMetric, windows: PolicyWindows
    ) -> tuple[Pruned, dict[str, Any]]:
        everything = torch.arange(len(windows.training))
        batch = metric.batch(windows.training, everything, 24, self.seed)
        importance = change(self._residuals(bundle, metric, windows))
        forced = np.zeros(importance.shape, np.bool_)
        forced[0] = True
        budget = max(round(self.density * forced.size), int(forced.sum()))
        given = starts(*forced.shape, self.density, "block") if self.structured else []
        search = Evolution(self.evolution, forced, budget, importance, given)
        state = self.out / f"evo{round(100 * self.density)}-{metric.steps}.npz"
        if state.exists():
            with np.load(state, allow_pickle=False) as file:
                search.restore(file)
        seeds = range(self.first_seed, self.first_seed + self.episodes)
        setting = Setting(str(self.bundle), self.task, self.sampler, self.engine)
        with Stop(self.minutes) as stop, players(setting, self.processes) as play:
            fitness = ClosedLoopFitness(play, lambda pruned: metric.distance(pruned, batch), seeds)
            while not search.finished and not stop:
                search.advance(fitness)
                state.parent.mkdir(parents=True, exist_ok=True)
                np.savez(state, **search.state())
                best = fitness_text(search.best[0], self.episodes)
                print(
                    f"[evo] generation {search.generation}: {best}; {fitness.episodes} episodes", flush=True
                )
        result = {**as_result(search.best[0], self.episodes), "generations": search.generation}
        return search.best[1], result
