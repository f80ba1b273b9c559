"""Search a static schedule by trying changes: the start of the pruner.

The gradient of a gate is that of a small change, but a block is computed or not, and with caches shared by
type one stands in for dozens. Finite differences at density .04 are often several times what the gradient
says, sometimes with the other sign. So the part of the schedule that does not depend on the observation is
found by trying: a mutation is kept when the L1 distance to the demonstrated actions, averaged over several
batches of windows with fixed noise, becomes smaller.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from sag_ros.train.data.windows import Windows
from sag_ros.train.run import parallel
from sag_ros.train.run.stop import Stop
from sag_ros.train.schedules.action_error import ActionErrorMetric, Batch, Pruned
from sag_ros.train.schedules.mutate import MutationSpace, mutate


@dataclass(frozen=True)
class SearchConfig:
    """The search of the schedules that the pruner starts from: one for all observations, from there one for
    each group of similar observations."""

    proposals: int = 1500
    """changes that are tried for the common schedule; 0 = none"""
    groups: int = 6
    """of observations; 0 = none"""
    group_proposals: int = 400
    """changes that are tried for each group"""
    group_price: float = 0.1
    """of the whole density of a group's schedule: one that gains more from a block may have more"""
    windows: tuple[int, ...] = (8, 24, 32, 32, 32)
    """in each batch; a change has to win over all of them, and most lose on the first"""
    price: float = 0.1
    """of the density above the target, in normalised action units"""
    tolerance: float = 3e-4
    """by which the first batch may become worse before the others are looked at"""
    seed: int = 0


def search_batches(
    config: SearchConfig, metric: ActionErrorMetric, windows: Windows, among: Tensor
) -> list[Batch]:
    """The batches of ``config``, of windows drawn from ``among`` (N,)."""
    return [
        metric.batch(windows, among, count, config.seed + number)
        for number, count in enumerate(config.windows)
    ]


class ScheduleSearch:
    """Hill climbing on masks (n, 3L), True = pruned. Deterministic; processes of torchrun share the windows.

    Args:
        metric: measures a mask.
        batches: of this process.
        space: which masks are allowed.
        proposals: changes that are tried; None: until it is stopped.
        price: of the density above ``density``, in normalised action units.
        path: the best mask so far, for resuming; ``.npz``.
    """

    def __init__(
        self,
        config: SearchConfig,
        metric: ActionErrorMetric,
        batches: Sequence[Batch],
        space: MutationSpace,
        proposals: int | None,
        price: float,
        density: float,
        path: Path,
    ) -> None:
        self.config, self.metric, self.batches, self.space = config, metric, batches, space
        self.proposals, self.path = math.inf if proposals is None else proposals, path
        self.price, self.density = price, density

    def run(self, start: Pruned, stop: Stop, seconds: float = 60.0) -> tuple[Pruned, int]:
        """Search from ``start`` or from where it was interrupted: the best mask and the proposals tried."""
        best, tried = self._resume(start)
        scores = [self.score(best, batch) for batch in self.batches]
        said, accepted = time.monotonic(), 0
        while tried < self.proposals and not parallel.anyone(bool(stop)):
            candidate = mutate(best, np.random.default_rng([self.config.seed, tried]), self.space)
            tried += 1
            better = None if np.array_equal(candidate, best) else self._beats(candidate, scores)
            if better is not None:
                best, scores, accepted = candidate, better, accepted + 1
            if time.monotonic() - said >= seconds:
                said = time.monotonic()
                self._save(best, tried, self._mean(scores), accepted)
        self._save(best, tried, self._mean(scores), accepted)
        return best, tried

    def score(self, pruned: Pruned, batch: Batch) -> float:
        """L1 distance to the demonstrated actions plus the price of the density; mean over the processes."""
        excess = max(0.0, 1.0 - float(pruned.mean()) - self.density)
        return self.metric.distance(pruned, batch) + self.price * excess

    def _mean(self, scores: Sequence[float]) -> float:
        """Of the first batches, each weighted by its windows."""
        return float(np.average(scores, weights=self.config.windows[: len(scores)]))

    def _beats(self, candidate: Pruned, scores: list[float]) -> list[float] | None:
        """Scores of ``candidate`` when their mean is below that of ``scores``, else None, often early."""
        own: list[float] = []
        for index, batch in enumerate(self.batches):
            own.append(self.score(candidate, batch))
            slack = self.config.tolerance if index == 0 and len(self.batches) > 1 else 0.0
            if not self._mean(own) < self._mean(scores[: index + 1]) + slack:
                return None
        return own

    def _resume(self, start: Pruned) -> tuple[Pruned, int]:
        if not self.path.exists():
            return start, 0
        with np.load(self.path, allow_pickle=False) as file:
            return file["pruned"], int(file["tried"])

    def _save(self, best: Pruned, tried: int, score: float, accepted: int) -> None:
        if parallel.rank():
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial.npz")
        np.savez(partial, pruned=best, tried=tried)
        partial.replace(self.path)
        most = "" if math.isinf(self.proposals) else f" of {self.proposals}"
        print(
            f"[{self.path.stem}] tried {tried}{most}, kept {accepted} score {score:.5f} "
            f"density {1.0 - best.mean():.4f} steps {int((~best).any(axis=1).sum())}",
            flush=True,
        )
