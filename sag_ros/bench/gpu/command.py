"""``sag gpu-check``: are the GPU engines right, and how fast are they? For a machine with a GPU."""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from sag_ros.bench.gpu import compile as gpu_compile
from sag_ros.bench.gpu.policies import Spec
from sag_ros.bench.gpu.sections import LISTS, Emit, Section, run_all, run_apart, run_here
from sag_ros.engines.tensorrt.compile import missing

RESERVE = 8.0  # s kept for what the last section leaves behind and for the table
SPARSE = (0.1, 0.09, 0.05)


@dataclass(frozen=True)
class Options:
    """Compares every GPU engine with the reference, block by block and chunk by chunk, then times it beside
    dense torch. Works without network. Results are written after every section, the most wanted ones first;
    an error costs its own section and is told at the end (exit status 1)."""

    minutes: float = 8.0
    """time for all; sections that would not fit are left out"""
    seed: int | None = None
    """of inputs and masks; default: a fresh one, which is printed"""
    json: Path = Path("out/gpu_check.json")
    """result; a table in Markdown goes beside it"""
    keep: bool = False
    """also keep both in bench/results, named after the GPU"""
    engines: tuple[str, ...] = (
        "cuda_graph",
        "persistent",
        "persistent:parts=1",
        "persistent:parts=4",
        "cuda_graph:fused=false",
        "tensorrt",
    )
    """engines, each with options of its own if wanted, as in persistent:parts=4:warps=4"""
    precisions: tuple[Literal["bf16", "f16", "f32"], ...] = ("bf16", "f32", "f16")
    """each is checked; the first is timed everywhere, f32 on masks, too"""
    bundle: str = "models/pick_release"
    """policy whose masks, encoder and pruner are measured; empty: none"""
    chunks: int = 200
    """measured chunks of each candidate"""
    draws: int = 3
    """random streams that every block is checked with"""
    compile: bool = True
    """time torch.compile, too, which takes a minute or more to compile"""
    device: Literal["auto", "cpu"] = "auto"
    """cpu: the same operations without a GPU, for tests of this command alone"""
    small: bool = False
    """a tiny policy with random weights, for tests of this command alone"""

    def __post_init__(self) -> None:
        if not 0.0 < self.minutes <= 120.0:
            raise ValueError(f"--minutes must be in (0, 120]; got {self.minutes}")
        if self.chunks < 10:
            raise ValueError(f"--chunks must be at least 10; got {self.chunks}")
        if self.draws < 1:
            raise ValueError(f"--draws must be at least 1; got {self.draws}")
        if not self.engines or not self.precisions:
            raise ValueError("--engines and --precisions must not be empty")
        for engine in self.engines:
            Spec.parse(engine)


def main(options: Options) -> int:
    """Check, time, write JSON and tables; returns 0, 1 where something failed, 2 without a GPU."""
    if options.device != "cpu":
        from sag_ros.engines.gpu.device import cuda_obstacle

        reason = cuda_obstacle()
        if reason is not None:
            print(
                f"sag gpu-check: {reason}.\nEverything else works without a GPU; "
                "`sag bench engines` measures the engines of this machine's CPU.",
                file=sys.stderr,
            )
            return 2
    return check(options)


def check(
    options: Options,
    build: Callable[..., Any] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sections: list[Section] | None = None,
) -> int:
    """As :func:`main`, but a GPU is taken for granted.

    Args:
        build: as ``registry.build_engine``, where sections run in this process.
        clock: of the budget.
        sections: instead of :func:`sections_of`.
    """
    from sag_ros.bench.gpu import report as gpu_report
    from sag_ros.bench.run import machine as hardware

    began = clock()
    if options.seed is None:
        options = replace(options, seed=secrets.randbits(31))
    content: dict[str, Any] = {
        "finished": False,
        "seed": options.seed,
        "options": {key: value for key, value in asdict(options).items() if key != "json"},
        "hardware": hardware.describe(),
        "machine": {},
        **{name: [] for name in (*LISTS, "sections")},
    }
    print(f"seed {options.seed}", flush=True)

    def run(section: Section, limit: float, emit: Emit) -> None:
        if options.device == "cpu":
            from sag_ros.engines.registry import build_engine

            run_here(section, options, clock() + limit, emit, build or build_engine, clock)
        else:
            run_apart(section, options, limit, emit)

    save = partial(gpu_report.save, content, options.json)
    save()
    try:
        run_all(
            sections_of(options) if sections is None else sections,
            run,
            60.0 * options.minutes - RESERVE,
            content,
            save,
            partial(print, flush=True),
            clock,
        )
        content["finished"] = True
    finally:
        content["seconds"] = round(clock() - began, 1)
        save()
        gpu_report.show(content)
        paths = [options.json, options.json.with_suffix(".md")]
        if options.keep:
            paths += gpu_report.keep(content)
        print(", ".join(str(path) for path in paths))
    return 1 if gpu_report.failures(content) else 0


def sections_of(options: Options) -> list[Section]:
    """In the order of their worth: the two first engines are checked and timed before the others, and what
    has to be compiled for minutes comes late."""
    here = "sag_ros.bench.gpu."
    first = options.precisions[0]
    specs = {text: Spec.parse(text) for text in options.engines}
    ahead = tuple(text for text, spec in specs.items() if spec.engine == gpu_compile.ENGINE)
    engines = tuple(text for text in specs if text not in ahead)
    leading, others = engines[:2], engines[2:]
    both = tuple(dict.fromkeys(("f32", first)))
    again = engines[0] if engines else ""
    sparse, dense = f"{here}speed:time_engines", f"{here}speed:time_dense"

    def correctness(own: tuple[str, ...]) -> list[Section]:
        target = f"{here}correctness:check_engine"
        return [Section(f"correctness of {engine}", target, 15, 100, (engine,)) for engine in own]

    def pipeline(name: str, own: tuple[str, ...]) -> list[Section]:
        own = tuple(text for text in own if not specs[text].options)  # what runs beside it has none
        wanted = options.bundle and own
        return [Section(name, f"{here}pipeline:time_pipeline", 15, 60, own, (first,))] if wanted else []

    found = [Section("machine", f"{here}machine:look", 5, 40), *correctness(leading)]
    if engines:
        found += [
            Section(f"sparse, {first}", sparse, 15, 90, leading, (first, SPARSE)),
            *pipeline("encoder and pruner", engines),
            Section("dense as CUDA graph", dense, 20, 60, leading, ("graph", both, again)),
        ]
    found += [
        Section("dense eager", dense, 20, 50, (), ((), "eager", both, again)),
        *correctness(others),
    ]
    if others:
        found.append(Section(f"other engines, {first}", sparse, 15, 90, others, (first, (*SPARSE, 1.0))))
    found.append(Section("engines of the CPU", f"{here}speed:time_cpu", 10, 30))
    if ahead:
        found.append(Section("compiling", f"{here}compile:compile_ahead", 60, 200, ahead))
        if not missing():
            found += correctness(ahead)
            found.append(
                Section(f"compiled engines, {first}", sparse, 15, 60, ahead, (first, (*SPARSE, 1.0)))
            )
            found += pipeline("encoder and pruner, compiled", ahead)
    if engines and "f32" in options.precisions and first != "f32":
        found.append(Section("sparse, f32", sparse, 15, 60, leading, ("f32", SPARSE)))
    if options.compile:
        found.append(Section("torch.compile", dense, 60, 300, (), ((), "compile", both, "")))
    return found
