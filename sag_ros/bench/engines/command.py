"""``sag bench engines``: milliseconds per chunk of every engine, dense and sparse, in one process."""

from __future__ import annotations

import json as json_format
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NETWORK = {"layers": 8, "heads": 4, "width": 256}


@dataclass(frozen=True)
class Options:
    """Denoising alone, on one thread: no camera, no pruner. Everything is measured in rounds, side by side,
    so that a busy moment of the machine hits all alike."""

    json: Path = Path("out/engines.json")
    """result; pictures go beside it"""
    bundle: str = ""
    """policy folder or name; default: random weights of the published size (T=10, d=256, 8 layers, K=100)"""
    masks: str = "pick_release"
    """bundle whose pruner's masks are measured, too, where they fit the network; empty: none"""
    densities: tuple[float, ...] = (1.0, 0.5, 0.2, 0.1, 0.09, 0.07, 0.05)
    """shares of the blocks that are computed, at random places"""
    rounds: int = 40
    """repetitions of each; of dense torch and the reference a fifth"""
    torch_compile: bool = True
    """measure torch.compile, too; needs a C++ compiler"""
    growth: bool = True
    """measure how cost grows with K, T, L and d"""
    savings: bool = True
    """measure what each exact saving is worth"""
    chunks: int = 10000
    """chunks in a row through the fastest engine, for p99 and growth of memory; 0: none"""

    def __post_init__(self) -> None:
        if self.rounds < 5:
            raise ValueError(f"--rounds must be at least 5; got {self.rounds}")
        if self.chunks < 0 or 0 < self.chunks < 100:
            raise ValueError(f"--chunks must be 0 or at least 100; got {self.chunks}")
        if 1.0 not in self.densities:
            raise ValueError(f"--densities must contain 1, what all is compared with; got {self.densities}")
        for density in self.densities:
            if not 0.0 < density <= 1.0:
                raise ValueError(f"densities lie in (0, 1]; got {density}")


def main(options: Options) -> int:
    """Measure, print tables, write JSON and pictures."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import torch

    torch.set_num_threads(1)
    from sag_ros.bench.engines import growth
    from sag_ros.bench.engines import report as engines_report
    from sag_ros.bench.engines.candidates import BASELINES, baselines_of, engines_of, plans_of
    from sag_ros.bench.engines.roofline import measure_limits
    from sag_ros.bench.engines.timing import errors, linear_fits, measure, rows
    from sag_ros.bench.run import machine as hardware
    from sag_ros.pruning.flops import network_size

    console = engines_report.console
    with console.status("loading", refresh_per_second=1) as status:
        example = _example(options.bundle)
        width = network_size(example.bundle.dpt.config).width
        status.update("measuring the machine")
        limits = measure_limits(12 * width**2 * example.bundle.contract.transformer.layers)
        plans: dict[str, Any] = plans_of(example, (*options.densities, 0.0))
        if options.masks:
            plans |= _masks(options.masks, example)
        status.update("compiling")
        names = [name for name in BASELINES if options.torch_compile or name != "torch-compile"]
        (slow, missing), (fast, without) = baselines_of(example, names), engines_of(example, plans)
        candidates, absent = slow + fast, missing + without
        status.update("comparing with the reference")
        deviations = errors(candidates, example)
        times = measure(candidates, example, options.rounds, status.update)
        lines = rows(candidates, times, deviations, example, limits)
        content: dict[str, Any] = {"rows": lines, "fits": linear_fits(lines)}
        if options.savings:
            content["savings"] = growth.cost_without_savings(example, options.rounds, status.update)
        if options.growth:
            content["growth"] = growth.growth(status.update)
    if options.chunks:
        console.print(f"{options.chunks} chunks in a row …", highlight=False)
        content["soak"] = _soak_alone(options, _fastest(candidates, lines, options.masks))
    content |= {
        "absent": absent,
        "limits": {
            "gflop_per_s": limits.gflops, "gb_per_s_weights": limits.streams, "gb_per_s_memory": limits.memory
        },
        "threads": 1,
        "peak_memory_mb": hardware.peak_mb(),
        "weights": options.bundle or "random",
        "hardware": hardware.describe(),
    }  # fmt: skip
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json_format.dumps(content, indent=1) + "\n", encoding="utf-8")
    pictures = engines_report.draw(content, options.json)
    engines_report.show(content)
    console.print(", ".join(str(path) for path in (options.json, *pictures)), highlight=False)
    return 0


def _soak_alone(options: Options, chosen: Any) -> dict[str, Any]:
    """In a process of its own: here, the memory of all that was measured before comes and goes."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        arguments = options, chosen.engine, chosen.precision, chosen.mask
        return pool.submit(_soak, *arguments).result()


def _soak(options: Options, engine: str, precision: str, mask: str) -> dict[str, Any]:
    import torch

    torch.set_num_threads(1)
    from sag_ros.bench.engines.candidates import plans_of, variants
    from sag_ros.bench.engines.timing import soak
    from sag_ros.bench.run.machine import one_core

    example = _example(options.bundle)
    plans = {
        **plans_of(example, options.densities),
        **(_masks(options.masks, example) if options.masks else {}),
    }
    choice = {} if engine == "reference" else {"precision": precision}
    candidate = next(variants(example, engine, precision, {mask: plans[mask]}, choice))
    with one_core():
        return soak(candidate, example, options.chunks)


def _example(bundle: str) -> Any:
    from sag_ros.bench.engines.candidates import Example
    from sag_ros.paths import model_folder
    from sag_ros.policy.bundle import load_bundle
    from sag_ros.policy.random_bundle import random_bundle
    from sag_ros.policy.samplers import build_table

    policy = (
        load_bundle(model_folder(bundle))
        if bundle
        else random_bundle(0, "full", horizon=10, diffusion={"steps": 100}, network=NETWORK)
    )
    return Example.make(policy, build_table("ddpm", policy.contract.diffusion.steps, policy.contract.clip))


def _masks(name: str, example: Any) -> Mapping[str, Any]:
    """Plans of the masks that a bundle's pruner chooses for made-up observations, if they fit the network.

    Raises:
        ValueError: the bundle has no pruner.
    """
    from sag_ros.bench.prepare.check_bundle import observations
    from sag_ros.engines.runner import PolicyRunner
    from sag_ros.paths import model_folder
    from sag_ros.policy.bundle import load_bundle
    from sag_ros.pruning.plan import make_plan

    runner = PolicyRunner(load_bundle(model_folder(name)))
    masks = [runner.mask_source.mask(features) for features in observations(runner, 6)]
    if masks[0].pruned.shape != (len(example.table), example.bundle.contract.blocks):
        return {}
    return {Path(name).name: [make_plan(mask) for mask in masks]}


def _fastest(candidates: list[Any], lines: list[dict[str, Any]], masks: str) -> Any:
    """The fastest on the pruner's masks, else on the sparsest random one."""
    pairs = list(zip(candidates, lines, strict=True))
    pairs = [pair for pair in pairs if pair[1]["mask"] not in ("dense", "emptiest")]
    own = [pair for pair in pairs if masks and pair[0].mask == Path(masks).name] or pairs
    return min(own, key=lambda pair: pair[1]["ms_p50"])[0]
