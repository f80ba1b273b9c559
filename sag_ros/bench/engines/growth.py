"""How the cost of a chunk grows with the network and the sampler, and what each exact saving is worth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sag_ros.bench.engines.candidates import Example, baselines_of, engines_of, plans_of, variants
from sag_ros.bench.engines.timing import measure
from sag_ros.engines.registry import choose
from sag_ros.engines.savings.switches import Savings
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.policy.samplers import build_table

DENSITY = 0.09
BASE = {"K": 100, "T": 10, "layers": 8, "width": 256}
AXES = {
    "K": (10, 16, 30, 50, 100),
    "T": (9, 10, 12, 14, 16),
    "layers": (4, 6, 8, 10, 12),
    "width": (256, 512, 768),
}
ROUNDS = 10


def cost_without_savings(example: Example, rounds: int, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """ms of the engine ``native`` with all exact savings, without one at a time, and without any.

    Empty where that engine cannot run.
    """
    name, _ = choose("auto", example.bundle)
    if name != "native":
        return []
    plans = plans_of(example, (1.0, DENSITY))
    cases = {"": Savings(), **{n: Savings.without(n) for n in Savings.names()}, "all": Savings.none()}
    pairs = [
        (label, candidate)
        for label, savings in cases.items()
        for candidate in variants(example, name, "f32", plans, {"precision": "f32", "savings": savings})
    ]
    found = [candidate for _, candidate in pairs]
    times = measure(found, example, max(5, rounds // 3), lambda text: say(f"savings, {text}"))
    medians = [float(np.median(own)) for own in times]
    base = {candidate.mask: ms for (label, candidate), ms in zip(pairs, medians, strict=True) if not label}
    return [
        {
            "engine": name,
            "precision": "f32",
            "without": label,
            "density": round(candidate.density, 4),
            "ms_p50": round(ms, 3),
            "times_slower": round(ms / base[candidate.mask], 2),
        }
        for (label, candidate), ms in zip(pairs, medians, strict=True)
    ]


def growth(say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Rows for one of K, T, layers and width changed at a time: dense torch, and engines at density .09.

    All T tokens are executed here, so that T counts.
    """
    out, seen = [], set()
    for axis, values in AXES.items():
        for value in values:
            size = {**BASE, axis: value}
            if tuple(size.values()) in seen:
                continue
            seen.add(tuple(size.values()))
            say(f"growth: {', '.join(f'{key}={number}' for key, number in size.items())}")
            out += _rows(size)
    return out


def _rows(size: dict[str, int]) -> list[dict[str, Any]]:
    bundle = random_bundle(
        0, "full", horizon=size["T"], action_steps=size["T"] - 1, diffusion={"steps": size["K"]},
        network={"layers": size["layers"], "heads": 4, "width": size["width"]},
    )  # fmt: skip
    example = Example.make(bundle, build_table("ddpm", size["K"], bundle.contract.clip))
    plans = plans_of(example, (DENSITY,))
    (torch, _), (engines, _) = (
        baselines_of(example, ("torch",)),
        engines_of(example, plans, ("native", "openvino")),
    )
    found = [candidate for candidate in torch + engines if candidate.precision != "int8"]
    times = measure(found, example, ROUNDS, lambda text: None)
    return [
        {
            "engine": candidate.engine,
            "precision": candidate.precision,
            "sampler": "ddpm",
            **size,
            "density": round(candidate.density, 4),
            "ms_p50": round(float(np.median(own)), 3),
            "ms_p99": round(float(np.percentile(own, 99)), 3),
            "gflop": round(candidate.gflop, 4),
            "speedup_vs_torch_dense": round(float(np.median(times[0]) / np.median(own)), 2),
            "repetitions": len(own),
        }
        for candidate, own in zip(found, times, strict=True)
    ]
