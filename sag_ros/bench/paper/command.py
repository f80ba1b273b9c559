"""``sag bench paper``: task after task, then one page beside the published figures."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sag_ros.bench.paper.options import Options
from sag_ros.bench.paper.page import content, kept, write
from sag_ros.bench.tasks.command import run
from sag_ros.bench.tasks.options import Options as TaskOptions
from sag_ros.paths import model_folder


def main(options: Options) -> int:
    """Measure what is missing; write ``paper.json`` and ``paper.html``. Tasks that are not asked for now stay
    there as they were, so that each may have methods and episodes of its own.

    Returns:
        130 when interrupted by SIGINT or SIGTERM, else 0.
    """
    found: dict[str, Mapping[str, Any]] = {}
    missing: dict[str, list[str]] = {}
    for task in options.tasks:
        bundle = f"{options.bundles}/{task}"
        try:
            methods, missing[task] = available(options.methods, model_folder(bundle))
        except (ValueError, OSError) as error:
            print(f"{task} is left out: {error}", file=sys.stderr)
            continue
        path = options.out / f"{task}.json"
        own = TaskOptions(
            task=task,
            methods=",".join(methods),
            episodes=options.episodes_of(task),
            final=True,
            bundle=bundle,
            engine=options.engine,
            processes=options.processes,
            timed_chunks=options.timed_chunks,
            torch_chunks=options.torch_chunks,
            report_only=options.report_only,
            json=path,
        )
        print(f"{task}: {own.command()}", flush=True)
        if run(own, shown=False):
            return 130
        found[task] = json.loads(path.read_text(encoding="utf-8"))
    for path in write(content(found, missing, kept(options.out)), options.out):
        print(path)
    return 0


def available(methods: tuple[str, ...], folder: Path) -> tuple[list[str], list[str]]:
    """Which of ``methods`` the bundle in ``folder`` has everything for, and which not."""
    from sag_ros.bench.run.methods import parse_methods
    from sag_ros.policy.bundle import load_bundle
    from sag_ros.policy.samplers import build_sampler
    from sag_ros.pruning.mask_sources import build_mask_source

    bundle = load_bundle(folder)
    have, lack = [], []
    for method in parse_methods(",".join(methods)):
        try:
            steps = len(build_sampler(method.sampler, bundle.contract).table)
            build_mask_source(method.mask_source, bundle, steps)
        except ValueError:
            lack.append(method.name)
        else:
            have.append(method.name)
    return have, lack
