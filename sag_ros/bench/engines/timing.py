"""Timing of candidates side by side, and what follows from the times."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sag_ros.bench.engines.candidates import SLOW, Candidate, Example
from sag_ros.bench.engines.roofline import MachineLimits
from sag_ros.bench.run.machine import resident_mb
from sag_ros.engines.reference import ReferenceEngine


def measure(
    found: Sequence[Candidate], example: Example, rounds: int, say: Callable[[str], None]
) -> list[list[float]]:
    """ms of every repetition of every candidate, in rounds, so that a busy moment hits all alike.

    Each gets an unmeasured chunk before a measured one: the others have pushed its weights out of the caches,
    which a policy in use does not suffer.
    """
    times: list[list[float]] = [[] for _ in found]
    for number in range(rounds):
        for own, candidate in zip(times, found, strict=True):
            if candidate.rare and number % SLOW:
                continue
            for count in range(2):
                plan = candidate.plans[(2 * number + count) % len(candidate.plans)]
                start = time.perf_counter()
                candidate.denoise(example.obs, plan, example.noise)
                if count:
                    own.append(1e3 * (time.perf_counter() - start))
        say(f"round {number + 1} of {rounds}")
    return times


def errors(found: Sequence[Candidate], example: Example) -> list[float]:
    """Largest deviation from the reference under the first plan, relative to the largest action."""
    reference = ReferenceEngine(example.bundle, example.table)
    expected: dict[int, Any] = {}
    out = []
    for candidate in found:
        plan = candidate.plans[0]
        if id(plan) not in expected:
            expected[id(plan)] = reference.denoise(example.obs, plan, example.noise)
        wanted = expected[id(plan)]
        got = candidate.denoise(example.obs, plan, example.noise)
        out.append(float(np.abs(got - wanted).max() / np.abs(wanted).max()))
    return out


def rows(
    found: Sequence[Candidate],
    times: Sequence[Sequence[float]],
    deviations: Sequence[float],
    example: Example,
    limits: MachineLimits,
) -> list[dict[str, Any]]:
    """One row for each candidate; ``torch`` must be among them."""
    contract = example.bundle.contract
    # On one core or on all, whichever is faster for the user.
    medians = [float(np.median(own)) for own in times]
    pairs = list(zip(found, medians, strict=True))
    torch_ms = min(ms for candidate, ms in pairs if candidate.engine in ("torch", "torch-all-cores"))
    dense_ms = {(each.engine, each.precision): ms for each, ms in pairs if each.mask == "dense"}
    out = []
    for (candidate, p50), own, deviation in zip(pairs, times, deviations, strict=True):
        floor = limits.floor_ms(candidate.gflop, candidate.weight_bytes, candidate.precision)
        own_dense = dense_ms.get((candidate.engine, candidate.precision))
        out.append(
            {
                "engine": candidate.engine,
                "precision": candidate.precision,
                "mask": candidate.mask.split()[0],
                "sampler": example.table.name,
                "K": len(example.table),
                "T": contract.horizon,
                "tokens": contract.executed.stop,
                "layers": contract.transformer.layers,
                "width": contract.transformer.width,
                "density": round(candidate.density, 4),
                "ms_p50": round(p50, 3),
                "ms_p99": round(float(np.percentile(own, 99)), 3),
                "ms_max": round(max(own), 3),
                "gflop": round(candidate.gflop, 4),
                "gflop_per_s": round(1e3 * candidate.gflop / p50, 1),
                "share_of_peak": round(1e3 * candidate.gflop / p50 / limits.rate(candidate.precision), 4),
                "floor_ms": round(floor, 3),
                "times_floor": round(p50 / floor, 2),
                "error": float(f"{deviation:.2e}"),
                "speedup_vs_torch_dense": round(torch_ms / p50, 2),
                "speedup_vs_own_dense": None if own_dense is None else round(own_dense / p50, 2),
                "start_s": round(candidate.start_s, 2),
                "memory_mb": round(candidate.memory_mb, 1),
                "repetitions": len(own),
            }
        )
    return out


def linear_fits(lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each engine ``ms_p50 = fixed + slope density`` over dense, random and emptiest plans.

    Relative errors count alike. Beside it, what the emptiest plan takes.
    """
    out = []
    for engine, precision in dict.fromkeys((line["engine"], line["precision"]) for line in lines):
        own = [
            line for line in lines
            if (line["engine"], line["precision"]) == (engine, precision)
            and line["mask"] in ("dense", "random", "emptiest")
        ]  # fmt: skip
        if len(own) < 3:
            continue
        emptiest = [line["ms_p50"] for line in own if line["mask"] == "emptiest"]
        density = np.array([line["density"] for line in own])
        ms = np.array([line["ms_p50"] for line in own])
        design = np.stack([np.ones_like(density), density], axis=1)
        fixed, slope = np.linalg.lstsq(design / ms[:, None], np.ones_like(ms), rcond=None)[0]
        worst = float(np.abs((fixed + slope * density) / ms - 1.0).max())
        out.append(
            {
                "engine": engine,
                "precision": precision,
                "fixed_ms": round(float(fixed), 3),
                "ms_at_density_1": round(float(fixed + slope), 2),
                "emptiest_ms": emptiest[0] if emptiest else None,
                "largest_relative_residual": round(worst, 3),
            }
        )
    return out


def _of_stretches(times: NDArray[np.float64], length: int) -> float:
    """Median over stretches of ``length`` chunks of p99 / p50: what is left when a machine shared with others
    is slower for some seconds."""
    stretches = times[: len(times) // length * length].reshape(-1, length)
    ratios = np.percentile(stretches, 99, axis=1) / np.median(stretches, axis=1)
    return float(np.median(ratios))


def soak(candidate: Candidate, example: Example, chunks: int) -> dict[str, Any]:
    """Many chunks in a row under the first plan: times, growth of resident memory after the first tenth."""
    times, before = np.zeros(chunks), 0.0
    for number in range(chunks):
        if number == chunks // 10:
            before = resident_mb()
        start = time.perf_counter()
        candidate.denoise(example.obs, candidate.plans[0], example.noise)
        times[number] = 1e3 * (time.perf_counter() - start)
    p50, p99 = (float(np.percentile(times, q)) for q in (50, 99))
    return {
        "engine": candidate.engine,
        "precision": candidate.precision,
        "mask": candidate.mask,
        "density": round(float(1.0 - candidate.plans[0].mask.pruned.mean()), 4),
        "chunks": chunks,
        "ms_p50": round(p50, 3),
        "ms_p99": round(p99, 3),
        "ms_max": round(float(times.max()), 3),
        "p99_over_p50": round(p99 / p50, 2),
        "p99_over_p50_of_200": round(_of_stretches(times, min(200, chunks)), 2),
        "memory_growth_mb": round(resident_mb() - before, 2),
    }
