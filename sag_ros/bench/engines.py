"""``sag bench engines``: milliseconds per chunk of every engine, dense and sparse, in one process."""

from __future__ import annotations

import json as json_format
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

PRECISIONS = ("f32", "bf16", "int8")


@dataclass(frozen=True)
class Options:
    """Denoising alone, on one thread: no camera, no pruner. Repetitions of all are interleaved, so that
    a busy moment of the machine hits all alike."""

    json: Path = Path("out/engines.json")
    """result; pictures go beside it"""
    bundle: str = ""
    """policy folder or name; default: random weights of the published size (T=10, d=256, 8 layers, K=100)"""
    densities: tuple[float, ...] = (1.0, 0.5, 0.2, 0.1, 0.09, 0.07, 0.05)
    """shares of the blocks that are computed, at random places"""
    repetitions: int = 30
    """of each; dense torch gets a fifth"""
    torch_compile: bool = True
    """measure torch.compile, too; needs a C++ compiler"""

    def __post_init__(self) -> None:
        if self.repetitions < 5:
            raise ValueError(f"--repetitions must be at least 5; got {self.repetitions}")
        for density in self.densities:
            if not 0.0 < density <= 1.0:
                raise ValueError(f"densities lie in (0, 1]; got {density}")


@dataclass(frozen=True)
class Candidate:
    """One thing to measure: a name, what runs, its plan, how many repetitions, what it computes."""

    engine: str
    precision: str
    density: float
    denoise: Callable[..., Any]
    plan: Any
    repetitions: int
    gflop: float
    weight_bytes: float


def candidates(
    options: Options, bundle: Any, table: Any, obs: Any, noise: Any
) -> tuple[list[Candidate], list[str]]:
    """Everything that can run here, and a line for each that cannot."""
    from sag_ros.bench import baselines
    from sag_ros.engines.registry import build_engine
    from sag_ros.pruning.executed import executed_gflop, weight_bytes
    from sag_ros.pruning.flops import network_size
    from sag_ros.pruning.mask_sources import dense_mask, random_mask
    from sag_ros.pruning.plan import make_plan

    steps, blocks = len(table), bundle.contract.blocks
    size, tokens = network_size(bundle.dpt.config), bundle.contract.executed.stop
    plans = {
        density: make_plan(
            dense_mask(steps, blocks) if density == 1.0 else random_mask(steps, blocks, density, 0)
        )
        for density in options.densities
    }
    dense_plan = plans[1.0] if 1.0 in plans else make_plan(dense_mask(steps, blocks))
    dense_gflop, few = 2e-9 * size.dense_macs(steps), max(5, options.repetitions // 5)
    found, absent = [], []

    dense_read = weight_bytes(size, dense_plan, 4.0, conditioning_each_step=True)

    def dense(name: str, build: Callable[[], Any], repetitions: int) -> None:
        try:
            loop = build()
            loop.denoise(obs, dense_plan, noise)
        except Exception as error:  # a missing compiler, a library that cannot convert: others still run
            absent.append(f"{name}: {type(error).__name__}: {str(error).splitlines()[0][:120]}")
            return
        found.append(
            Candidate(name, "f32", 1.0, loop.denoise, dense_plan, repetitions, dense_gflop, dense_read)
        )

    dense("torch", lambda: baselines.torch_dense(bundle, table), few)
    if options.torch_compile:
        dense("torch-compile", lambda: baselines.torch_dense(bundle, table, compiled=True), few)
    dense("openvino-plain", lambda: baselines.openvino_dense(bundle, table), options.repetitions)
    for precision in PRECISIONS:
        engine = build_engine("openvino", bundle, table, precision=precision)
        each = {"f32": 4.0, "bf16": 2.0, "int8": 1.0}[precision]
        for density, plan in plans.items():
            work = executed_gflop(size, plan, tokens)
            read = weight_bytes(size, plan, each, conditioning_each_step=False)
            found.append(
                Candidate(
                    "openvino", precision, density, engine.denoise, plan, options.repetitions, work, read
                )
            )
    return found, absent


def example(bundle: Any, table: Any) -> tuple[Any, Any]:
    """Random features (To, D) and noise (n + 1, T, A)."""
    config, rng = bundle.dpt.config, np.random.default_rng(0)
    obs = rng.standard_normal((config.obs_steps, config.obs_dim), np.float32)
    noise = rng.standard_normal((len(table) + 1, config.horizon, config.action_dim), np.float32)
    return obs, noise


def measure(found: list[Candidate], obs: Any, noise: Any, say: Callable[[str], None]) -> list[list[float]]:
    """ms of every repetition of every candidate."""
    times: list[list[float]] = [[] for _ in found]
    rounds = max(candidate.repetitions for candidate in found)
    for number in range(-2, rounds):  # two rounds of warm-up
        for own, candidate in zip(times, found, strict=True):
            due = (
                number < 0
                or number * candidate.repetitions // rounds != (number - 1) * candidate.repetitions // rounds
            )
            if not due:
                continue
            start = time.perf_counter()
            candidate.denoise(obs, candidate.plan, noise)
            if number >= 0:
                own.append(1e3 * (time.perf_counter() - start))
        say(f"round {number + 1} of {rounds}")
    return times


def rows(
    found: list[Candidate],
    times: list[list[float]],
    errors: list[float],
    bundle: Any,
    table: Any,
    limits: Any,
) -> list[dict[str, Any]]:
    """One row for each candidate."""
    contract = bundle.contract
    torch_ms = float(np.median(times[0]))
    out = []
    for candidate, own, error in zip(found, times, errors, strict=True):
        p50 = float(np.median(own))
        rate_of = "f32" if candidate.precision == "f32" else "bf16"
        floor = limits.floor_ms(candidate.gflop, candidate.weight_bytes, rate_of)
        out.append(
            {
                "engine": candidate.engine,
                "precision": candidate.precision,
                "sampler": table.name,
                "K": contract.diffusion.steps,
                "T": contract.horizon,
                "layers": contract.network.layers,
                "width": contract.network.width,
                "density": round(candidate.density, 4),
                "ms_p50": round(p50, 3),
                "ms_p99": round(float(np.percentile(own, 99)), 3),
                "ms_max": round(max(own), 3),
                "gflop": round(candidate.gflop, 4),
                "gflop_per_s": round(1e3 * candidate.gflop / p50, 1),
                "share_of_peak": round(1e3 * candidate.gflop / p50 / limits.gflops[rate_of], 4),
                "floor_ms": round(floor, 3),
                "times_floor": round(p50 / floor, 2),
                "error": float(f"{error:.2e}"),
                "speedup_vs_torch_dense": round(torch_ms / p50, 2),
                "repetitions": len(own),
            }
        )
    return out


def main(options: Options) -> int:
    """Measure, print the table, write JSON and picture."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import torch

    torch.set_num_threads(1)
    from sag_ros.bench import engines_report, hardware
    from sag_ros.engines.openvino_limits import measure_limits
    from sag_ros.engines.reference import ReferenceEngine
    from sag_ros.paths import model_folder
    from sag_ros.policy.bundle import load_bundle
    from sag_ros.policy.random_bundle import random_bundle
    from sag_ros.policy.samplers import build_table

    if options.bundle:
        bundle = load_bundle(model_folder(options.bundle))
    else:
        network = {"layers": 8, "heads": 4, "width": 256}
        bundle = random_bundle(0, horizon=10, diffusion={"steps": 100}, network=network)
    table = build_table("ddpm", bundle.contract.diffusion.steps, bundle.contract.clip)
    console = engines_report.console
    with console.status("compiling") as status:
        limits = measure_limits()
        obs, noise = example(bundle, table)
        found, absent = candidates(options, bundle, table, obs, noise)
        status.update("comparing with the reference")
        reference = ReferenceEngine(bundle, table)
        expected: dict[int, Any] = {}
        errors = []
        for candidate in found:
            key = id(candidate.plan)
            if key not in expected:
                expected[key] = reference.denoise(obs, candidate.plan, noise)
            difference = candidate.denoise(obs, candidate.plan, noise) - expected[key]
            errors.append(float(np.abs(difference).max() / np.abs(expected[key]).max()))
        times = measure(found, obs, noise, status.update)
    lines = rows(found, times, errors, bundle, table, limits)
    content = {
        "rows": lines,
        "absent": absent,
        "limits": {"gflop_per_s": limits.gflops, "gb_per_s": limits.bandwidth},
        "threads": 1,
        "bundle": options.bundle or "random weights",
        "hardware": hardware.describe(),
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json_format.dumps(content, indent=2) + "\n", encoding="utf-8")
    picture = options.json.with_suffix(".png")
    engines_report.draw(lines, picture)
    console.print(engines_report.table(lines, limits))
    for line in absent:
        console.print(f"not measured: {line}", highlight=False)
    console.print(f"{options.json}, {picture}", highlight=False)
    return 0
