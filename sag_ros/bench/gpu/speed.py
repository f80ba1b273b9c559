"""The timed sections of ``sag gpu-check``: engines on masks, dense torch, engines of the CPU."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from sag_ros.bench.gpu import timing
from sag_ros.bench.gpu.baselines import HOW, Mode, TorchDense
from sag_ros.bench.gpu.correctness import build_or_absent, check_row, relative
from sag_ros.bench.gpu.policies import Policy, Spec, plan_of, plans_of, random_policy, why_absent
from sag_ros.bench.gpu.sections import Context
from sag_ros.bench.gpu.timing import Candidate
from sag_ros.bench.prepare.check_bundle import TOLERANCE
from sag_ros.engines.reference import ReferenceEngine
from sag_ros.pruning.plan import Plan

Plans = dict[str, list[Plan]]


def time_engines(
    context: Context, engines: tuple[str, ...], precision: str, densities: tuple[float, ...]
) -> None:
    """Engines on random masks of ``densities`` and, where they fit, those of the shipped pruner; plans
    recorded beforehand, where an engine can, beside plans that are not."""
    options, policy = context.options, random_policy(context.options.small)
    plans: Plans = {}
    with context.fence("shipped masks"):
        plans = plans_of(policy, densities, options.bundle, options.small, options.seed)
    plans = plans or plans_of(policy, densities, "", options.small, options.seed)
    candidates: list[Candidate] = []
    for text in engines:
        candidates += engine_candidates(context, policy, Spec.parse(text), precision, plans)
    _measure(context, policy, candidates)


def engine_candidates(
    context: Context, policy: Policy, spec: Spec, precision: str, plans: Plans
) -> list[Candidate]:
    """One engine under ``plans``, and a second one of it that has them prepared."""
    found: list[Candidate] = []
    reason = why_absent(spec, policy, precision, context.options.device)
    if reason is not None:
        context.absent(spec.text, f"{precision}: {reason}")
        return found
    for variant in ("", "prepared"):
        if variant and not found:
            break  # could not be built
        with context.fence(f"{spec.text} {precision} {variant}".strip()):
            start = time.perf_counter()
            engine = build_or_absent(context, spec, policy, precision)
            if engine is None or (variant and not hasattr(engine, "prepare")):
                break
            if variant:
                for own in plans.values():
                    for plan in own:
                        engine.prepare(plan)
            facts = {"start_s": round(time.perf_counter() - start, 2)}
            found += [
                Candidate(spec.text, precision, mask, own, engine, variant, facts)
                for mask, own in plans.items()
            ]
    return found


def time_dense(
    context: Context, engines: tuple[str, ...], mode: Mode, precisions: tuple[str, ...], again: str
) -> None:
    """Dense torch in ``mode``, each precision beside the engines' own dense plan.

    Args:
        engines: whose dense plan is timed.
        again: engine whose mask of density .09 is timed once more, which shows whether the clock of the
            device is that of the section before; "" for none.
    """
    options, policy = context.options, random_policy(context.options.small)
    torch_device = _device(options.device)
    dense: Plans = {"dense": [plan_of(policy, 1.0, 0)]}
    obs, noise = policy.draw(np.random.default_rng(options.seed))
    expected = None
    with context.fence("reference"):
        reference = ReferenceEngine(policy.bundle, policy.table)
        expected = reference.denoise(obs, dense["dense"][0], noise)
    candidates: list[Candidate] = []
    for precision in precisions:
        with context.fence(f"torch {mode} {precision}"):
            start = time.perf_counter()
            loop = TorchDense(policy.bundle, policy.table, torch_device, precision, mode)
            got = loop.denoise(obs, None, noise)
            facts: dict[str, Any] = {"start_s": round(time.perf_counter() - start, 2), "how": HOW[precision]}
            if expected is not None:
                facts["error"] = relative(got, expected)
                if precision == "f32":  # nobody claims anything for a network that is cast as a whole
                    _check(context, f"torch {mode}", precision, facts["error"])
            own = Candidate(f"torch {mode}", precision, "dense", dense["dense"], loop, "", facts)
            if mode == "compile":  # the next one may take all the time that is left
                _measure(context, policy, [own])
            else:
                candidates.append(own)
        for text in engines:
            candidates += engine_candidates(context, policy, Spec.parse(text), precision, dense)
    if again:
        plans = {"random 0.09": [plan_of(policy, 0.09, options.seed)]}
        first = options.precisions[0]
        for candidate in engine_candidates(context, policy, Spec.parse(again), first, plans)[:1]:
            candidate.variant = "again"
            candidates.append(candidate)
    _measure(context, policy, candidates)


def time_cpu(context: Context) -> None:
    """Engines of the CPU on one mask, one line each, a tenth of the chunks; the reference two."""
    from sag_ros.engines.registry import obstacle

    policy = random_policy(context.options.small)
    plans = {"random 0.09": [plan_of(policy, 0.09, context.options.seed)]}
    for name in ("native", "reference"):
        reason = obstacle(name, policy.bundle)
        if reason is not None:
            context.absent(name, reason)
            continue
        with context.fence(name):
            options = {} if name == "reference" else {"precision": "auto"}
            engine = context.build(name, policy.bundle, policy.table, **options)
            precision = getattr(engine, "precision", "f32")
            own = [Candidate(name, precision, mask, plan, engine, "cpu") for mask, plan in plans.items()]
            chunks = 2 if name == "reference" else max(context.options.chunks // 10, 2)
            _measure(context, policy, own, chunks, "cpu")


def _check(context: Context, what: str, precision: str, error: float) -> None:
    facts = {"what": what, "precision": precision}
    context.emit("checks", {**facts, **check_row("dense", error, TOLERANCE[precision])})


def _measure(
    context: Context,
    policy: Policy,
    candidates: Sequence[Candidate],
    chunks: int | None = None,
    device: str | None = None,
) -> None:
    """Time ``candidates`` and report those that have times."""
    options = context.options
    if not candidates:
        return
    obs, noise = policy.draw(np.random.default_rng(options.seed))
    timer = timing.Timer(events=(device or options.device) != "cpu")
    chunks = chunks or options.chunks
    times = timing.measure(candidates, obs, noise, chunks, timer, context.left, context.fence)
    for candidate, own in zip(candidates, times, strict=True):
        if own.host:
            context.emit("times", timing.row(candidate, own))


def _device(device: str) -> Any:
    from sag_ros.engines.gpu.device import choose_device

    return choose_device(device)
