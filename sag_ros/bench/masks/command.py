"""``sag bench masks``: what the pruner decides in which phase, and whether one of its masks would do."""

from __future__ import annotations

import json
import os
import sys

from sag_ros.bench.masks.options import Options
from sag_ros.bench.masks.record import MaskJournal
from sag_ros.bench.masks.report import content, table
from sag_ros.bench.masks.study import Study
from sag_ros.bench.masks.worker import MaskWorker
from sag_ros.bench.run import machine as hardware
from sag_ros.bench.run import progress
from sag_ros.bench.run.interrupt import interruptible
from sag_ros.bench.run.pool import play


def main(options: Options) -> int:
    """Run what is missing, write JSON and picture. Returns 130 when interrupted, else 0."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("MUJOCO_GL", "egl")
    with interruptible():
        return _run(options)


def _run(options: Options) -> int:
    from sag_ros.bench.masks.picture import draw
    from sag_ros.bench.masks.scenes import scenes

    worker = MaskWorker(options)
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
            results = play(worker, options, jobs, options.processes)
            remaining = progress.Remaining((job.method for job in jobs), options.processes)
            for episode in progress.track(results, f"{options.task}: {options.mask_source}", remaining):
                journal.append(episode)
    except KeyboardInterrupt:
        interrupted = True
        print("interrupted; the same command continues", file=sys.stderr)
    settings = {**identity, "seed": options.seed, "calibration_seeds": list(options.calibration_seeds)}
    found = content(study)
    found |= {"complete": not interrupted, "settings": settings, "hardware": hardware.describe()}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    progress.console.print(table(found["rows"], f"{options.task}, one mask kept for the whole episode"))
    progress.console.print(f"{options.json}", highlight=False)
    adaptive = study.adaptive()
    if adaptive:
        picture = draw(study, scenes(worker, adaptive), found, options.json.with_suffix(".png"))
        progress.console.print(f"{picture}", highlight=False)
    return 130 if interrupted else 0
