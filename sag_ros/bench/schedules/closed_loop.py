"""Closed-loop success of a mask on a task: the fitness of EVO (arXiv 2607.20293)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sag_ros.bench.run.pool import run, worker_pool
from sag_ros.pruning.plan import Reuse

Pruned = NDArray[np.bool_]


@dataclass(frozen=True)
class Setting:
    """Under what a mask is tried.

    Attributes:
        bundle: folder of the policy. task: name.
        sampler, engine: names. reuse: what a pruned block reads.
        time_limit: simulated seconds after which an episode has failed.
    """

    bundle: str
    task: str
    sampler: str = "ddpm"
    engine: str = "auto"
    reuse: Reuse = "block"
    time_limit: float = 9.0


class Trial:
    """One robot and one policy whose mask can be exchanged."""

    def __init__(self, setting: Setting) -> None:
        import torch

        torch.set_num_threads(1)
        from sag_ros.bench.run.episode import EpisodeSettings
        from sag_ros.bench.run.stage import stage_for
        from sag_ros.engines.runner import PolicyRunner
        from sag_ros.policy.bundle import load_bundle

        bundle = load_bundle(setting.bundle)
        self._setting = setting
        self._stage = stage_for(setting.task, bundle.contract)
        self._runner = PolicyRunner(bundle, setting.sampler, "dense", setting.engine)
        self._loop = EpisodeSettings.of(bundle.contract, bundle.contract.action_steps, setting.time_limit)

    def run(self, pruned: Pruned, seed: int) -> bool:
        """Whether the episode ``seed`` succeeds under ``pruned`` (n, 3L)."""
        from sag_ros.pruning.mask_sources import FixedMask
        from sag_ros.values import Mask

        self._runner.mask_source = FixedMask(Mask(pruned), self._setting.reuse)
        return self._stage.play(self._runner, self._loop, "candidate", seed).success


# (jobs) -> whether each succeeded
Play = Callable[[Sequence[tuple[Pruned, int]]], Sequence[bool]]


@contextmanager
def players(setting: Setting, processes: int) -> Iterator[Play]:
    """Something that plays episodes, in so many processes of their own."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("MUJOCO_GL", "egl")
    with worker_pool(Trial, setting, processes) as pool:
        yield lambda jobs: pool.map(run, jobs, chunksize=1)


class ClosedLoopFitness:
    """Successes on some seeds; the smaller action error decides between equals.

    Random schedules fail on every seed, and where all are alike a search goes nowhere: EVO starts from
    schedules that sometimes succeed. A candidate is given up as soon as it cannot reach the threshold.

    Args:
        play: plays episodes.
        error: action error of a mask.
        seeds: of the episodes.
        together: seeds between two looks at who is still in.
    """

    def __init__(
        self, play: Play, error: Callable[[Pruned], float], seeds: Sequence[int], together: int = 2
    ) -> None:
        self._play, self._error, self._seeds, self._together = play, error, list(seeds), together
        self.episodes = 0

    def __call__(
        self, candidates: Sequence[Pruned], threshold: tuple[float, ...] | None
    ) -> list[tuple[float, ...]]:
        """(successes, -error) of each candidate; successes counted until it was given up."""
        successes = [0] * len(candidates)
        alive = list(range(len(candidates)))
        needed = 0.0 if threshold is None else threshold[0]
        for begin in range(0, len(self._seeds), self._together):
            seeds = self._seeds[begin : begin + self._together]
            jobs = [(number, seed) for number in alive for seed in seeds]
            results = self._play([(candidates[number], seed) for number, seed in jobs])
            self.episodes += len(jobs)
            for (number, _), success in zip(jobs, results, strict=True):
                successes[number] += bool(success)
            left = len(self._seeds) - begin - len(seeds)
            alive = [number for number in alive if successes[number] + left >= needed]
            if threshold is None:  # nothing to beat yet: half of the seeds failed is enough to know
                alive = [number for number in alive if successes[number] or not begin]
            if not alive:
                break
        return [(float(count), -self._error(mask)) for count, mask in zip(successes, candidates, strict=True)]


def fitness_text(fitness: Sequence[float], seeds: int) -> str:
    """For a log line."""
    return f"{fitness[0]:.0f}/{seeds} episodes, action error {-fitness[1]:.5f}"


def as_result(fitness: Sequence[float], seeds: int) -> dict[str, Any]:
    """For the provenance of a schedule."""
    return {"successes": int(fitness[0]), "episodes": seeds, "action_error": round(-fitness[1], 6)}
