"""Demonstrations of a benchmark by its expert."""

from __future__ import annotations

from itertools import islice
from typing import Any, Protocol

import numpy as np

from sag_ros.data.demonstrations import Episode
from sag_ros.sim.benchmarks.protocol import Benchmark
from sag_ros.sim.benchmarks.registry import make_benchmark
from sag_ros.train.record.contract import contract_of

HELD = 5  # steps in a row that a demonstration has to be a success at its end


class BenchmarkOptions(Protocol):
    """What of the options of ``sag record`` counts here; see there."""

    @property
    def task(self) -> str: ...
    @property
    def pushes(self) -> float: ...


def attributes(options: BenchmarkOptions) -> dict[str, Any]:
    """What a store says of them; ``contract`` is what a policy says that is trained on it."""
    benchmark = make_benchmark(options.task)
    contract = contract_of(benchmark)
    benchmark.close()
    return {
        "task": options.task,
        "period": benchmark.period,
        "joints": contract["joints"],
        "action": "setpoints of the controller of the benchmark, for the period that begins",
        "privileged": [],
        "contract": contract,
        "terms": {
            "state": contract["state"],
            "action": contract["action"],
            "tcp": None,
            "signals": {name: one["size"] for name, one in contract["signals"].items()},
            "binary_gripper": None,
        },
    }


_worker: Any = None
_pushes = 0.0


def prepare(options: BenchmarkOptions) -> None:
    """Build the simulator once in each process of the pool."""
    global _worker, _pushes
    _worker, _pushes = make_benchmark(options.task), options.pushes


def demonstrate(seed: int) -> Episode | None:
    """One demonstration, or None if the expert failed."""
    benchmark: Benchmark = _worker
    benchmark.reset(seed)
    state, action, held = [], [], 0
    told = benchmark.demonstrate(np.random.default_rng([seed, 1]), _pushes)
    for wanted, executed in islice(told, benchmark.steps):
        state.append(benchmark.observe())
        action.append(wanted)
        benchmark.step(executed)
        held = held + 1 if benchmark.settled else 0
        if held == HELD:
            break
    else:
        return None
    return Episode(
        images={},
        state=np.array(state, np.float32),
        action=np.array(action, np.float32),
        privileged=np.zeros((len(state), 0), np.float32),
        seed=seed,
    )
