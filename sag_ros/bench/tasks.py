"""``sag bench tasks``: success and milliseconds per chunk of several methods on the same episodes."""

from __future__ import annotations

import json as json_format
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

from sag_ros.bench.journal import EpisodeResult, Journal


@dataclass(frozen=True)
class Options:
    """Success and speed of methods on a task, closed loop, without ROS.

    The simulation waits for the policy, so success does not depend on the machine. Every method plays the
    same seeds. Interrupt it at will: the next call with the same options continues.
    """

    task: str = "pick_release"
    """task of the simulated robot"""
    methods: str = "dense,ddim30,sag"
    """comma-separated; sampler and mask source joined by +, ddpm and dense where not named"""
    episodes: int = 100
    """episodes per method"""
    seed: int = 100_000
    """seed of the first episode; the others follow"""
    bundle: str = "models/pick_release"
    """folder of the policy bundle, or its name in models/"""
    engine: str = "auto"
    """auto, native, openvino or reference"""
    precision: Literal["auto", "f32", "bf16", "int8"] = "auto"
    """of the engine, where it has a choice"""
    noise: Literal["fresh", "fixed"] = "fresh"
    """new noise for each chunk, or the same for all chunks of an episode"""
    execute: int = 8
    """actions executed of every chunk"""
    processes: int = 1
    """episodes at the same time; times are only meaningful with 1"""
    json: Path = Path("out/tasks.json")
    """result; single episodes go to a .jsonl beside it"""

    def __post_init__(self) -> None:
        for name in ("episodes", "execute", "processes"):
            if getattr(self, name) < 1:
                raise ValueError(f"--{name} must be at least 1; got {getattr(self, name)}")


class Worker:
    """One robot and the runners of all methods; built when first used, in the process that uses them."""

    def __init__(self, options: Options) -> None:
        import torch

        torch.set_num_threads(1)
        from sag_ros.bench.episode import Loop
        from sag_ros.paths import model_folder
        from sag_ros.policy.bundle import load_bundle
        from sag_ros.sim.robot import SimulatedRobot

        self._options = options
        self.bundle = load_bundle(model_folder(options.bundle))
        contract = self.bundle.contract
        if options.execute > contract.action_steps:
            raise ValueError(f"--execute {options.execute}: the policy gives {contract.action_steps} actions")
        sizes = {(camera.height, camera.width) for camera in contract.cameras.values()}
        if len(sizes) != 1:
            raise ValueError(f"the simulated cameras have one size; the policy wants {sorted(sizes)}")
        self.robot = SimulatedRobot(options.task, sizes.pop())
        self._loop = Loop(
            tuple(contract.cameras),
            contract.control_period,
            contract.observation_steps,
            options.execute,
            self.robot.task.time_limit,
        )
        self._runners: dict[str, Any] = {}

    def runner(self, name: str) -> Any:
        """The warmed-up runner of a method. Raises ValueError."""
        if name not in self._runners:
            import numpy as np

            from sag_ros.bench.methods import parse_methods
            from sag_ros.engines.runner import PolicyRunner

            options = self._options
            (method,) = parse_methods(name)
            chosen = {} if options.precision == "auto" else {"precision": options.precision}
            runner = PolicyRunner(
                self.bundle, method.sampler, method.mask_source, options.engine, noise=options.noise, **chosen
            )
            contract = self.bundle.contract
            runner.reset(0)
            for _ in range(2):
                for camera, spec in contract.cameras.items():
                    runner.encode(camera, np.zeros((spec.height, spec.width, 3), np.uint8))
                runner.infer(0.0, np.zeros((contract.observation_steps, contract.obs_dim), np.float32))
            self._runners[name] = runner
        return self._runners[name]

    def run(self, method: str, seed: int) -> EpisodeResult:
        """One episode."""
        from sag_ros.bench.episode import run_episode

        return run_episode(self.robot, self.runner(method), self._loop, method, seed)


_worker: Worker | None = None  # of this process of the pool


def _start(options: Options) -> None:
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    global _worker
    _worker = Worker(options)


def _run(job: tuple[str, int]) -> EpisodeResult:
    assert _worker is not None
    return _worker.run(*job)


def play(options: Options, worker: Worker, jobs: list[tuple[str, int]]) -> Iterator[EpisodeResult]:
    """Run the jobs; results in the order in which they finish."""
    if options.processes == 1:
        for job in jobs:
            yield worker.run(*job)
        return
    import multiprocessing

    # spawn: neither OpenGL contexts nor thread pools survive a fork.
    with multiprocessing.get_context("spawn").Pool(options.processes, _start, (options,)) as pool:
        yield from pool.imap_unordered(_run, jobs)


def main(options: Options) -> int:
    """Run what is missing, print the table, write the JSON. Returns 130 when interrupted, else 0."""
    # One thread: comparable with a robot PC whose other cores are busy, and with itself. Before torch loads.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("MUJOCO_GL", "egl")
    from sag_ros.bench import hardware, progress, report
    from sag_ros.bench.methods import parse_methods

    names = [method.name for method in parse_methods(options.methods)]
    worker = Worker(options)
    engines = {name: worker.runner(name).engine_name for name in names}  # wrong names fail here
    seeds = range(options.seed, options.seed + options.episodes)
    identity: dict[str, Any] = {
        "task": options.task,
        "weights": worker.bundle.weights_hash,
        "engine": sorted(set(engines.values())),
        "execute": options.execute,
        "noise": options.noise,
        "processes": options.processes,  # times of busy and quiet runs are never mixed
    }
    journal = Journal(options.json.with_suffix(".episodes.jsonl"), identity)
    # Seed by seed through all methods: an interruption leaves pairs, and a busy hour hits all alike.
    jobs = [(name, seed) for seed, name in product(seeds, names) if (name, seed) not in journal]
    total = len(seeds) * len(names)
    if len(jobs) < total or journal.foreign:
        done, other = total - len(jobs), journal.foreign
        print(
            f"{journal.path}: {done} of {total} episodes are done, {other} belong to other settings",
            flush=True,
        )
    interrupted = False
    results = play(options, worker, jobs)
    try:
        for result in progress.track(results, len(jobs), f"{options.task}: {options.methods}"):
            journal.append(result)
    except KeyboardInterrupt:
        interrupted = True
        print("interrupted; the same command continues", file=sys.stderr)
    lines = report.rows(options.task, {name: journal.results(name, seeds) for name in names})
    content = {
        "rows": lines,
        "complete": not interrupted,
        "settings": {**identity, "seed": options.seed},
        "hardware": hardware.describe(),
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json_format.dumps(content, indent=2) + "\n", encoding="utf-8")
    progress.console.print(
        report.table(lines, f"{options.task}, {', '.join(identity['engine'])}, one thread")
    )
    progress.console.print(f"{options.json}", highlight=False)
    return 130 if interrupted else 0
