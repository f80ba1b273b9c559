"""What ``sag bench engines`` measures: users' starting points, and every engine under several plans."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sag_ros.bench.engines import baselines
from sag_ros.bench.engines.roofline import BYTES
from sag_ros.bench.run.machine import resident_mb
from sag_ros.engines.registry import build_engine, obstacle
from sag_ros.policy.bundle import PolicyBundle
from sag_ros.policy.schedule import CoefficientTable
from sag_ros.pruning.executed import executed_gflop, weight_bytes
from sag_ros.pruning.flops import network_size
from sag_ros.pruning.plan import Plan, make_plan
from sag_ros.pruning.static_masks import dense_mask, random_mask

BASELINES = ("torch", "torch-all-cores", "torch-compile", "openvino-plain")
PRECISIONS = {"native": ("f32", "bf16", "int16"), "openvino": ("f32", "bf16", "int8"), "reference": ("f32",)}
LITERAL = ("dense", "random 0.09")  # enough for the reference, which follows the rule to the letter
SLOW = 5  # measured so many times less often: dense torch and the reference


@dataclass(frozen=True)
class Example:
    """One policy and sampler with random features (To, D) and noise (n + 1, T, A)."""

    bundle: PolicyBundle
    table: CoefficientTable
    obs: Any
    noise: Any

    @classmethod
    def make(cls, bundle: PolicyBundle, table: CoefficientTable) -> Example:
        """Random features and noise, always the same."""
        config, rng = bundle.dpt.config, np.random.default_rng(0)
        obs = rng.standard_normal((config.obs_steps, config.obs_dim), np.float32)
        noise = rng.standard_normal((len(table) + 1, config.horizon, config.action_dim), np.float32)
        return cls(bundle, table, obs, noise)


@dataclass(frozen=True)
class Candidate:
    """One thing to measure.

    Attributes:
        mask: where the blocks to compute come from: dense, random, or the name of a bundle.
        plans: taken in turns.
        rare: dense torch and the like, measured less often.
        start_s, memory_mb: what building and the first chunk took, of the engine as a whole.
    """

    engine: str
    precision: str
    mask: str
    plans: Sequence[Plan]
    denoise: Callable[..., Any]
    gflop: float
    weight_bytes: float
    rare: bool
    start_s: float
    memory_mb: float

    @property
    def density(self) -> float:
        """Share of the blocks that are computed, over all plans."""
        return float(np.mean([1.0 - plan.mask.pruned.mean() for plan in self.plans]))


# Candidates, and a line for each engine that cannot run here.
Available = tuple[list[Candidate], list[str]]


def plans_of(example: Example, densities: Sequence[float]) -> dict[str, list[Plan]]:
    """``dense``, ``random <density>`` or, for 0, ``emptiest`` (one layer in the first step) -> one plan."""
    steps, blocks = len(example.table), example.bundle.contract.blocks
    names = {1.0: "dense", 0.0: "emptiest"}
    masks = {1.0: dense_mask(steps, blocks)}
    return {
        names.get(density, f"random {density:g}"): [
            make_plan(masks.get(density, random_mask(steps, blocks, density, 0)))
        ]
        for density in densities
    }


def baselines_of(example: Example, names: Sequence[str] = BASELINES) -> Available:
    """Dense: plain torch on one and on all cores, ``torch.compile``, the network as it is in OpenVINO."""
    bundle, table = example.bundle, example.table
    size = network_size(bundle.dpt.config)
    dense = plans_of(example, (1.0,))["dense"]
    work = 2e-9 * size.dense_macs(len(table))
    read = weight_bytes(size, dense[0], 4.0, conditioning_each_step=True)
    builders: dict[str, Callable[[], Any]] = {
        "torch": lambda: baselines.torch_dense(bundle, table),
        "torch-all-cores": lambda: baselines.AllCores(baselines.torch_dense(bundle, table)),
        "torch-compile": lambda: baselines.torch_dense(bundle, table, compiled=True),
        "openvino-plain": lambda: baselines.openvino_dense(bundle, table),
    }
    found: list[Candidate] = []
    absent: list[str] = []
    for name in names:
        memory, start = resident_mb(), time.perf_counter()
        try:
            loop = builders[name]()
            loop.denoise(example.obs, dense[0], example.noise)
        except Exception as error:  # a missing compiler, a library that cannot convert: others still run
            absent.append(f"{name}: {type(error).__name__}: {str(error).splitlines()[0][:120]}")
            continue
        seconds, grown = time.perf_counter() - start, resident_mb() - memory
        rare = name != "openvino-plain"
        found.append(Candidate(name, "f32", "dense", dense, loop.denoise, work, read, rare, seconds, grown))
    return found, absent


def engines_of(
    example: Example, plans: Mapping[str, Sequence[Plan]], engines: Sequence[str] = tuple(PRECISIONS)
) -> Available:
    """Every CPU engine that runs here, in each of its precisions, under every plan; ``sag gpu-check`` has the
    others."""
    found: list[Candidate] = []
    absent: list[str] = []
    for name in engines:
        for precision in PRECISIONS[name]:
            reason = obstacle(name, example.bundle, precision)
            if reason is not None:
                absent.append(f"{name}-{precision}: {reason}")
                continue
            options = {} if name == "reference" else {"precision": precision}
            own = {label: plan for label, plan in plans.items() if name != "reference" or label in LITERAL}
            found += variants(example, name, precision, own or plans, options)
    return found, absent


def variants(
    example: Example,
    name: str,
    precision: str,
    plans: Mapping[str, Sequence[Plan]],
    options: Mapping[str, Any],
) -> Iterator[Candidate]:
    """One engine under every plan."""
    bundle, table = example.bundle, example.table
    size, tokens = network_size(bundle.dpt.config), bundle.contract.executed.stop
    memory, start = resident_mb(), time.perf_counter()
    engine = build_engine(name, bundle, table, **options)
    engine.denoise(example.obs, next(iter(plans.values()))[0], example.noise)
    seconds, grown = time.perf_counter() - start, resident_mb() - memory
    literal = name == "reference"
    for mask, own in plans.items():
        works = [
            2e-9 * size.mask_macs(plan.mask)
            if literal
            else executed_gflop(size, plan, tokens, bundle.dpt.config.heads)
            for plan in own
        ]
        reads = [weight_bytes(size, plan, BYTES[precision], conditioning_each_step=literal) for plan in own]
        yield Candidate(
            name, precision, mask, own, engine.denoise, float(np.mean(works)), float(np.mean(reads)),
            literal, seconds, grown,
        )  # fmt: skip
