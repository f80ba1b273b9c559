"""Does each GPU engine compute what the reference computes: block by block, chunk by chunk, twice alike?"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sag_ros.bench.gpu.policies import (
    Policy,
    Spec,
    build,
    plan_of,
    random_policy,
    shipped_masks,
    shipped_policy,
    why_absent,
)
from sag_ros.bench.gpu.sections import Context
from sag_ros.bench.prepare.check_bundle import TOLERANCE
from sag_ros.engines.gpu.device import DTYPES
from sag_ros.engines.reference import ReferenceEngine
from sag_ros.engines.registry import STATEFUL
from sag_ros.policy.dpt import BLOCK_TYPES
from sag_ros.pruning.plan import Plan

BLOCK_TOLERANCE = {"f32": 1e-3, "bf16": 1e-2, "f16": 1e-2}
"""Of one block, relative to its residual's largest value."""
MAGNIFIED = 4.0
"""Times :func:`rounding` on top of ``TOLERANCE``: an engine rounds activations, too, and several times."""
DENSITIES = (0.1, 0.09, 0.05)
PREPARED_BELOW = 0.2  # denser plans are tens of thousands of kernels, which nobody records
LATE = "no time left, some checks were not made: give more --minutes or fewer --engines"
SHIPPED = 2  # observations whose shipped masks are checked
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """One chunk and what the reference makes of it (Ta, A)."""

    name: str
    plan: Plan
    obs: Any
    noise: Any
    expected: Any


def check_engine(context: Context, engines: tuple[str, ...]) -> None:
    """One engine in each precision, on random weights and on the shipped policy."""
    options = context.options
    with context.fence("reference"):
        rng = np.random.default_rng(options.seed)
        random = random_policy(options.small)
        own = [(random, cases(random, options.seed)), *_shipped_cases(context)]
        streams = list(block_streams(random, rng, options.draws))
        for text in engines:
            spec = Spec.parse(text)
            for precision in options.precisions:
                _check(context, spec, precision, own, streams)


def _shipped_cases(context: Context) -> Iterator[tuple[Policy, list[Case]]]:
    options = context.options
    if not options.bundle:
        return
    with context.fence("shipped masks"):
        policy = shipped_policy(options.bundle, options.small)
        found = []
        for number, (features, plan) in enumerate(shipped_masks(policy, SHIPPED, options.seed)):
            _, noise = policy.draw(np.random.default_rng([options.seed, number]))
            found.append(make_case(policy, f"shipped masks {number + 1}", plan, features, noise))
        yield policy, found


def _check(
    context: Context,
    spec: Spec,
    precision: str,
    own: list[tuple[Policy, list[Case]]],
    streams: list[tuple[int, Any, list[tuple[Any, Array]]]],
) -> None:
    options = context.options
    for number, (policy, found) in enumerate(own):
        label = f"{spec.text} {precision}"
        reason = why_absent(spec, policy, precision, options.device)
        if reason is not None:
            context.absent(spec.text, f"{precision}: {reason}")
            return
        if context.left() <= 0.0:
            context.error(label, LATE)
            return
        start = time.perf_counter()
        with context.fence(f"{label}, building"):
            engine = build_or_absent(context, spec, policy, precision)
            if engine is None:
                return
            facts = {"what": spec.text, "precision": precision}
            built = time.perf_counter() - start
            if not number:
                with context.fence(f"{label}, blocks"):
                    row = check_blocks(engine, streams, BLOCK_TOLERANCE[precision])
                    context.emit("checks", {**facts, **row, "build_s": round(built, 2)})
                with context.fence(f"{label}, estimate"):
                    if spec.engine in STATEFUL:
                        for row in check_state(engine, policy, found[0], TOLERANCE[precision], options.seed):
                            context.emit("checks", {**facts, **row})
            for case in found:
                with context.fence(f"{label}, {case.name}"):
                    for row in check_chunk(engine, case, policy, precision):
                        context.emit("checks", {**facts, **row})
                if context.left() <= 0.0:
                    context.error(label, LATE)
                    return


def build_or_absent(context: Context, spec: Spec, policy: Policy, precision: str) -> Any | None:
    """The engine; None, and reported, where its library is missing or it does not run on the CPU."""
    try:
        return build(context.build, spec, policy, precision, context.options.device)
    except ImportError as error:
        context.absent(spec.text, f"{precision}: {error}")
    except ValueError as error:
        if context.options.device != "cpu":
            raise  # on a GPU the registry has just said that nothing stands in its way
        context.absent(spec.text, f"{precision}: {error}")
    return None


def make_case(policy: Policy, name: str, plan: Plan, obs: Any, noise: Any) -> Case:
    """With what the reference says, on the CPU."""
    return Case(
        name, plan, obs, noise, ReferenceEngine(policy.bundle, policy.table).denoise(obs, plan, noise)
    )


def cases(policy: Policy, seed: int) -> list[Case]:
    """Dense and random masks under both reuse rules, each with features and noise of its own."""
    found = []
    for number, density in enumerate((1.0, *DENSITIES)):
        for reuse in ("type", "block"):
            obs, noise = policy.draw(np.random.default_rng([seed, number, len(reuse)]))
            plan = plan_of(policy, density, seed + number, reuse)  # type: ignore[arg-type]
            name = f"{'dense' if density == 1.0 else f'random {density:g}'}, reuse {reuse}"
            found.append(make_case(policy, name, plan, obs, noise))
    return found


def block_streams(
    policy: Policy, rng: np.random.Generator, draws: int
) -> Iterator[tuple[int, Any, list[tuple[Any, Array]]]]:
    """For random steps: (step, features (To, D), for each block a stream (T', d) float32 and the residual of
    ``DPT.block`` in float64, centred).

    The streams are those of the network itself at a random sample, with noise of a tenth of their size.
    """
    dpt = copy.deepcopy(policy.bundle.dpt).double().eval()
    config, tokens = dpt.config, policy.bundle.contract.executed.stop
    for _ in range(draws):
        step = int(rng.integers(len(policy.table)))
        obs, noise = policy.draw(rng)
        found = []
        with torch.inference_mode():
            memory = dpt.memory(int(policy.table.timesteps[step]), torch.from_numpy(obs).double()[None])
            h = dpt.embed(torch.from_numpy(noise[0, :tokens]).double()[None])
            for block in range(config.blocks):
                wobble = torch.from_numpy(rng.standard_normal(h.shape)) * h.square().mean().sqrt() / 10
                stream = (h + wobble).float()
                residual = dpt.block(stream.double(), memory, block)[0].numpy()
                found.append((stream[0].numpy(), residual - residual.mean(axis=1, keepdims=True)))
                h = h + dpt.block(h, memory, block)
        yield step, obs, found


def check_blocks(
    engine: Any, streams: list[tuple[int, Any, list[tuple[Any, Array]]]], allowed: float
) -> dict[str, Any]:
    """Largest error of any block, relative to the residual's largest value, both centred over the width.

    Every buffer is poisoned before each draw.
    """
    worst, where = 0.0, ""
    by_kind = dict.fromkeys(BLOCK_TYPES, 0.0)
    for step, obs, blocks in streams:
        _poison(engine)
        for block, (stream, expected) in enumerate(blocks):
            got = np.asarray(engine.residual(block, step, obs, stream), np.float64)
            tokens = min(len(got), len(expected))
            got = got[:tokens] - got[:tokens].mean(axis=1, keepdims=True)
            error = relative(got, expected[:tokens])
            kind = BLOCK_TYPES[block % 3]
            by_kind[kind] = max(by_kind[kind], error)
            if error >= worst:
                worst, where = error, f"block {block} ({kind} of layer {block // 3}), step {step}"
    return {**check_row("blocks", worst, allowed, where=where), "by_kind": by_kind}


def check_chunk(engine: Any, case: Case, policy: Policy, precision: str) -> Iterator[dict[str, Any]]:
    """From poisoned buffers, then again as they are: errors, and whether both have the same bits.

    An engine that records whole plans is asked to, unless they are dense, and checked again. More than
    ``TOLERANCE`` is allowed in a format of few digits where a chunk magnifies them: see :func:`rounding`.
    """

    def once() -> Any:
        return engine.denoise(case.obs, case.plan, case.noise)

    def row(name: str) -> dict[str, Any]:
        _poison(engine)
        first, second = once(), once()
        error = max(relative(first, case.expected), relative(second, case.expected))
        same = first.tobytes() == second.tobytes()
        allowed = TOLERANCE[precision]
        if allowed < error < np.inf and precision != "f32":
            allowed += MAGNIFIED * rounding(policy, case, precision)
        return check_row(name, error, allowed, same)

    yield row(case.name)
    density = 1.0 - float(case.plan.mask.pruned.mean())
    if hasattr(engine, "prepare") and density < PREPARED_BELOW:
        engine.prepare(case.plan)
        yield row(f"{case.name}, prepared")


def rounding(policy: Policy, case: Case, precision: str) -> float:
    """How much the reference's chunk changes when the matrices of its blocks are rounded to ``precision``.

    A residual that is computed once and used a hundred times brings its rounding along each time.
    """
    dpt = copy.deepcopy(policy.bundle.dpt)
    with torch.no_grad():
        for weight in dpt.decoder.parameters():
            if weight.ndim > 1:
                weight.copy_(weight.to(DTYPES[precision]).float())
    engine = ReferenceEngine(replace(policy.bundle, denoiser=dpt), policy.table)
    return relative(engine.denoise(case.obs, case.plan, case.noise), case.expected)


def check_state(
    engine: Any, policy: Policy, case: Case, allowed: float, seed: int
) -> Iterator[dict[str, Any]]:
    """One evaluation of the whole network, and a chunk that begins half-way and is traced."""
    reference = ReferenceEngine(policy.bundle, policy.table)
    tokens, steps = engine.tokens, len(policy.table)
    _, noise = policy.draw(np.random.default_rng([seed, 7]))
    step = steps // 2
    where = f"step {step}"
    expected = reference.estimate(case.obs, noise[0], step)[:tokens]
    _poison(engine)
    error = relative(engine.estimate(case.obs, noise[0], step), expected)
    yield check_row("estimate", error, allowed, where=where)
    shape = (len(noise), policy.bundle.contract.horizon, policy.bundle.contract.action_dim)
    wanted, got = np.zeros(shape, np.float32), np.zeros((shape[0], tokens, shape[2]), np.float32)
    reference.denoise(case.obs, case.plan, noise, step, wanted)
    _poison(engine)
    engine.denoise(case.obs, case.plan, noise, step, got)
    error = relative(got[step:], wanted[step:, :tokens])
    yield check_row("dense from half-way, traced", error, allowed, where=where)


def check_row(
    case: str, error: float, allowed: float, identical: bool | None = None, where: str = ""
) -> dict[str, Any]:
    """JSON-ready; ok within what is allowed, unless two runs were not ``identical``."""
    ok = error <= allowed and identical is not False
    return {
        "case": case,
        "error": error,
        "allowed": allowed,
        "ok": ok,
        "identical": identical,
        "where": where,
    }


def relative(got: Any, expected: Any) -> float:
    """Largest deviation relative to the largest expected value; infinite when anything is not finite."""
    deviation = float(np.abs(np.asarray(got, np.float64) - expected).max())
    error = deviation / max(float(np.abs(expected).max()), 1e-6)
    return error if np.isfinite(error) else float("inf")


def _poison(engine: Any) -> None:
    poison = getattr(engine, "poison", None)
    if poison is not None:
        poison()
