"""``sag bench masks``: what the pruner decides in which phase, and whether one of its masks would do."""

from __future__ import annotations

import json as json_format
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sag_ros.bench.masks.record import ADAPTIVE, DENSE, MaskEpisode, MaskJournal
from sag_ros.bench.masks.worker import Job, MaskWorker, Setting, play

if TYPE_CHECKING:
    from sag_ros.bench.masks.study import Candidate


@dataclass(frozen=True)
class Options:
    """Watch a mask source at work, closed loop and without ROS, and fix each of its masks in turn.

    The masks come from calibration episodes, whose seeds lie before --seed; every mask then plays the same
    episodes as the adaptive source. Interrupt it at will: the next call with the same options continues.
    """

    bundle: str = "models/pick_release"
    """folder of the policy bundle, or its name in models/"""
    task: str = "pick_release"
    """task of the simulated robot"""
    mask_source: str = "sag"
    """what is studied; a sampler other than ddpm in front, joined by +"""
    episodes: int = 30
    """evaluation episodes for each mask"""
    calibration_episodes: int = 5
    """episodes whose masks are fixed in turn"""
    fixed_masks: int = 8
    """how many of them at most, the most frequent ones"""
    dense: bool = True
    """run the dense policy on the same episodes, too"""
    seed: int = 300_000
    """seed of the first evaluation episode"""
    engine: str = "auto"
    """auto, native, openvino or reference"""
    precision: str = "auto"
    """of the engine, where it has a choice"""
    processes: int = 1
    """episodes at the same time"""
    json: Path = Path("out/masks.json")
    """result; the picture and the single episodes lie beside it"""

    def __post_init__(self) -> None:
        for name in ("episodes", "calibration_episodes", "fixed_masks", "processes"):
            if getattr(self, name) < 1:
                option = name.replace("_", "-")
                raise ValueError(f"--{option} must be at least 1; got {getattr(self, name)}")
        if self.seed < self.calibration_episodes:
            raise ValueError(
                f"--seed must be at least {self.calibration_episodes}, the number of calibration episodes, "
                f"whose seeds lie before it; got {self.seed}"
            )


def main(options: Options) -> int:
    """Run what is missing, write JSON and picture. Returns 130 when interrupted, else 0."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("MUJOCO_GL", "egl")
    from sag_ros.bench.masks.picture import draw
    from sag_ros.bench.masks.report import content, table
    from sag_ros.bench.run import machine as hardware
    from sag_ros.bench.run import progress

    setting = Setting(options.bundle, options.task, options.mask_source, options.engine, options.precision)
    worker = MaskWorker(setting)
    identity = {
        "task": options.task,
        "weights": worker.bundle.weights_hash,
        "engine": worker.runner.engine_name,
        "mask_source": options.mask_source,
    }
    journal = MaskJournal(options.json.with_suffix(".episodes.jsonl"), identity)
    study = Study(options, worker.source.reuse, journal)
    interrupted = False
    try:
        for jobs in study.stages():
            results = play(setting, worker, jobs, options.processes)
            remaining = progress.Remaining((job.method for job in jobs), options.processes)
            for episode in progress.track(results, f"{options.task}: {options.mask_source}", remaining):
                journal.append(episode)
    except KeyboardInterrupt:
        interrupted = True
        print("interrupted; the same command continues", file=sys.stderr)
    found = content(study)
    settings = {**identity, "seed": options.seed, "calibration_seeds": list(study.calibration_seeds)}
    found |= {"complete": not interrupted, "settings": settings, "hardware": hardware.describe()}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json_format.dumps(found, indent=1) + "\n", encoding="utf-8")
    progress.console.print(table(found["rows"], f"{options.task}, one mask kept for the whole episode"))
    shown = [options.json]
    if study.adaptive():
        from sag_ros.bench.masks.scenes import scenes

        shown.append(draw(study, scenes(worker, study.adaptive()), found, options.json.with_suffix(".png")))
    progress.console.print("\n".join(str(path) for path in shown), highlight=False)
    return 130 if interrupted else 0


class Study:
    """Which episodes are needed, and those that there are."""

    def __init__(self, options: Options, reuse: str, journal: MaskJournal) -> None:
        self.options, self.reuse, self.journal = options, reuse, journal
        self.seeds = range(options.seed, options.seed + options.episodes)
        self.calibration_seeds = range(options.seed - 1, options.seed - 1 - options.calibration_episodes, -1)

    def calibration(self) -> list[MaskEpisode]:
        """Calibration episodes that are done."""
        return self.journal.records(ADAPTIVE, self.calibration_seeds)

    def adaptive(self) -> list[MaskEpisode]:
        """Evaluation episodes of the adaptive source that are done."""
        return self.journal.records(ADAPTIVE, self.seeds)

    def candidates(self) -> list[Candidate]:
        """Masks to be fixed: the mean first; nothing before the calibration is complete.

        Failed episodes are left out, where others succeeded: they end in situations that no other visits.
        """
        from sag_ros.bench.masks.study import computed_share, distinct_masks, mean_candidate

        calibration = self.calibration()
        if len(calibration) < len(self.calibration_seeds):
            return []
        calibration = [episode for episode in calibration if episode.success] or calibration
        mean = mean_candidate(computed_share(calibration), self.reuse)
        return [mean, *distinct_masks(calibration, self.options.fixed_masks)]

    def stages(self) -> Iterator[list[Job]]:
        """First the calibration; with it in the journal everything else, seed by seed: pairs come first."""
        yield self._missing([Job(ADAPTIVE, seed) for seed in self.calibration_seeds])
        from sag_ros.bench.masks.record import encode_mask

        methods = [(ADAPTIVE, ""), *([(DENSE, "")] if self.options.dense else [])]
        # The mean may be one of the masks: once is enough.
        fixed = {candidate.digest: encode_mask(candidate.mask) for candidate in self.candidates()}
        methods += fixed.items()
        yield self._missing([Job(method, seed, mask) for seed in self.seeds for method, mask in methods])

    def _missing(self, jobs: list[Job]) -> list[Job]:
        return [job for job in jobs if (job.method, job.seed) not in self.journal]
