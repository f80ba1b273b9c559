"""Benchmarks by name: every file of the folders here that declares a ``BENCHMARK`` is found.

``square_mixed`` is ``square`` with demonstrations as of several people of unequal skill.
"""

from __future__ import annotations

from typing import Protocol

from sag_ros.declared import declared
from sag_ros.sim.benchmarks.protocol import Benchmark

MIXED = "_mixed"


class Maker(Protocol):
    """Makes one benchmark.

    Attributes:
        name: what commands call it.
    """

    name: str

    def __call__(self, mixed: bool = False) -> Benchmark: ...


BENCHMARKS: dict[str, Maker] = {
    maker.name: maker
    for folder in ("tabletop", "kitchen")
    for maker in declared(f"sag_ros.sim.benchmarks.{folder}", "BENCHMARK")
}


def is_benchmark(task: str) -> bool:
    """Whether ``task`` is one of them, mixed or not; others are tasks of the simulated arm."""
    return task.removesuffix(MIXED) in BENCHMARKS


def make_benchmark(name: str) -> Benchmark:
    """The benchmark called ``name``.

    Raises:
        KeyError: there is none of that name; lists those that there are.
        ValueError: it has no mixed demonstrations.
        ImportError: its simulator is missing.
    """
    base = name.removesuffix(MIXED)
    if base not in BENCHMARKS:
        raise KeyError(f"there is no benchmark {name!r}. Available: {sorted(BENCHMARKS)}")
    return BENCHMARKS[base](mixed=name != base)
