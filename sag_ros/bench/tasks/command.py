"""``sag bench tasks``: is sparse as good as dense? Success, time and smoothness on the same episodes."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from itertools import combinations, product
from typing import Any

from sag_ros.bench.run import machine as hardware
from sag_ros.bench.run import progress
from sag_ros.bench.run.interrupt import interruptible
from sag_ros.bench.run.journal import Journal, kept_identities
from sag_ros.bench.run.methods import Method, parse_methods
from sag_ros.bench.run.pool import play
from sag_ros.bench.run.records import EpisodeResult, Turn
from sag_ros.bench.tasks import times
from sag_ros.bench.tasks.choice import parse_budgets
from sag_ros.bench.tasks.options import Options
from sag_ros.bench.tasks.report import report, show, write
from sag_ros.bench.tasks.rows import REFERENCE, Measured
from sag_ros.bench.tasks.worker import FORMAT, Worker

RECORDED = 2  # episodes whose observations the times are measured on
MACHINE = ("cpu", "cores", "memory_gib", "governors", "python", "packages")  # times depend on these


def main(options: Options) -> int:
    """Run what is missing, print the tables, write JSON, page and picture.

    Returns:
        130 when interrupted by SIGINT or SIGTERM, else 0.
    """
    return run(options)


def run(options: Options, shown: bool = True) -> int:
    """As :func:`main`; ``shown``: whether tables are printed."""
    # One thread: comparable with a robot PC whose other cores are busy, and with itself. Before torch loads.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("MUJOCO_GL", "egl")
    with interruptible():
        return _report_kept(options) if options.report_only else _run(options, shown)


def _run(options: Options, shown: bool) -> int:
    names = list(_methods(options))
    worker = Worker(options)
    identities = {name: worker.identity(name) for name in names}  # wrong names fail here
    for one, other in combinations(names, 2):
        if identities[one] == identities[other]:
            raise ValueError(f"methods {one!r} and {other!r} are the same; name one of them")
    machine = hardware.describe()
    recorder = REFERENCE if REFERENCE in names else names[0]
    recorded = times.recorded(
        identities[recorder], range(options.seeds.start, options.seeds.start + RECORDED)
    )
    place = recorded, {key: machine[key] for key in MACHINE}
    clocks = {
        clock: Journal(
            options.journal("times"),
            {
                name: times.identity(own, clock, options.torch_chunks, *place)
                for name, own in identities.items()
            },
            Turn,
        )
        for clock in times.CLOCKS
    }
    episodes = Journal(options.journal("episodes"), identities, EpisodeResult)
    interrupted = False
    try:
        _play(options, worker, episodes)
        _time(options, worker, recorder, clocks)
    except KeyboardInterrupt:
        interrupted = True
        print("interrupted; the same command continues", file=sys.stderr)
    finally:
        worker.close()
    return _finish(options, episodes, clocks, recorder, machine, interrupted, shown)


def _methods(options: Options) -> dict[str, Method]:
    return {method.name: method for method in parse_methods(options.methods)}


def _play(options: Options, worker: Worker, journal: Journal[EpisodeResult]) -> None:
    names = list(journal.identities)
    # Seed by seed through all methods: an interruption leaves pairs.
    jobs = [(name, seed) for seed, name in product(options.seeds, names) if (name, seed) not in journal]
    total = len(options.seeds) * len(names)
    if len(jobs) < total or journal.foreign:
        print(
            f"{journal.path}: {total - len(jobs)} of {total} episodes are done, "
            f"{journal.foreign} lines belong to other methods or settings",
            flush=True,
        )
    known = {name: [result.wall for result in journal.records(name)] for name in names}
    results = progress.track(
        play(worker, options, jobs, options.processes),
        f"{options.task}, episodes",
        progress.Remaining((name for name, _ in jobs), options.processes, known),
        lambda result: f"{result.method} {result.seed}: {result.message}",
        lambda result: result.wall,
    )
    for result in results:
        journal.append(result)


def _time(options: Options, worker: Worker, recorder: str, clocks: Mapping[str, Journal[Turn]]) -> None:
    wanted = {"engine": options.timed_chunks, "torch": options.torch_chunks}
    if options.retime:
        for journal in clocks.values():
            journal.forget()
    if not any(times.incomplete(clocks[clock], chunks) for clock, chunks in wanted.items()):
        return
    seeds = options.seeds[:RECORDED]
    recordings = times.record(lambda seed, witness: worker.run(recorder, seed, witness), seeds)
    for clock, chunks in wanted.items():
        times.measure(worker, clocks[clock], recordings, clock, chunks, f"{options.task}, times, {clock}")


def _report_kept(options: Options) -> int:
    """The report of what the journals hold, from whatever machine; needs neither policy nor robot."""
    names, path, timed = list(_methods(options)), options.journal("episodes"), options.journal("times")
    common = "task", "execute", "delay", "noise"
    wanted = {"format": FORMAT, **{key: getattr(options, key) for key in common}}
    if options.execute is None:
        wanted.pop("execute")
    identities = kept_identities(path, names, wanted)
    if not identities:
        raise ValueError(f"{path} has no episodes of {options.methods}; run without --report-only")
    missing = [name for name in names if name not in identities]
    if missing:
        print(f"not measured: {', '.join(missing)}", file=sys.stderr)
    machine, kept = times.kept(timed, identities, options.torch_chunks)
    clocks = {clock: Journal(timed, own, Turn) for clock, own in kept.items()}
    episodes = Journal(path, identities, EpisodeResult)
    recorder = REFERENCE if REFERENCE in identities else next(iter(identities))
    return _finish(options, episodes, clocks, recorder, machine, False)


def _finish(
    options: Options,
    episodes: Journal[EpisodeResult],
    clocks: Mapping[str, Journal[Turn]],
    recorder: str,
    machine: Mapping[str, Any],
    interrupted: bool,
    shown: bool = True,
) -> int:
    methods = _methods(options)
    turns = {name: [clocks[clock].records(name) for clock in times.CLOCKS] for name in episodes.identities}
    measured = [
        Measured(methods[name], identity, episodes.records(name, options.seeds), *turns[name])
        for name, identity in episodes.identities.items()
    ]
    settings = {
        **{key: getattr(options, key) for key in ("task", "episodes", "delay", "noise", "margin")},
        "execute": next(iter(episodes.identities.values()))["execute"],
        "seed": options.seeds.start,
        "recorded": f"observations of the first {RECORDED} episodes of {recorder}",
    }
    complete = all(len(one.episodes) == options.episodes for one in measured) and not interrupted
    content = report(measured, settings, machine, parse_budgets(options.budgets), options.command(), complete)
    paths = write(content, options.json)
    if shown:
        show(content)
        for path in paths:
            progress.console.print(f"{path}", highlight=False)
    return 130 if interrupted else 0
