"""Policies, engines and plans that ``sag gpu-check`` works with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sag_ros.policy.bundle import PolicyBundle
from sag_ros.policy.schedule import CoefficientTable
from sag_ros.pruning.plan import Plan, Reuse, make_plan
from sag_ros.pruning.static_masks import dense_mask, random_mask

NETWORK = {"layers": 8, "heads": 4, "width": 256}
SMALL_PRUNER = {"width": 32, "layers": 1, "heads": 4, "feedforward": 64}
Builder = Callable[..., Any]
Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class Spec:
    """An engine and options of its own, written ``persistent:parts=4:warps=8``."""

    text: str
    engine: str
    options: dict[str, Any]

    @classmethod
    def parse(cls, text: str) -> Spec:
        """Numbers become numbers, ``true`` and ``false`` what they say.

        Raises:
            ValueError: not of the form ``engine[:option=value]...``.
        """
        engine, *rest = text.split(":")
        options: dict[str, Any] = {}
        for part in rest:
            key, equals, value = part.partition("=")
            if not (key and equals and value):
                raise ValueError(f"--engines {text}: {part!r} is not option=value, as in persistent:parts=4")
            words: dict[str, Any] = {"true": True, "false": False}
            options[key] = int(value) if value.lstrip("-").isdigit() else words.get(value, value)
        if not engine:
            raise ValueError(f"--engines {text!r} names no engine")
        return cls(text, engine, options)


@dataclass(frozen=True)
class Policy:
    """A policy with its sampler's table."""

    bundle: PolicyBundle
    table: CoefficientTable

    def draw(self, rng: np.random.Generator) -> tuple[Float32, Float32]:
        """Random features (To, D) and noise (n + 1, T, A)."""
        config = self.bundle.dpt.config
        obs = rng.standard_normal((config.obs_steps, config.obs_dim), np.float32)
        noise = rng.standard_normal((len(self.table) + 1, config.horizon, config.action_dim), np.float32)
        return obs, noise


def random_policy(small: bool) -> Policy:
    """Random weights of the published size (T=10, d=256, L=8, H=4, K=100), or of one for tests."""
    from sag_ros.policy.random_bundle import random_bundle

    if small:
        return with_table(random_bundle(0))
    return with_table(random_bundle(0, "full", horizon=10, diffusion={"steps": 100}, network=NETWORK))


def shipped_policy(name: str, small: bool) -> Policy:
    """Bundle ``name`` with its pruner; for tests the small random policy with a random one.

    Raises:
        ValueError: the bundle has no pruner.
    """
    from sag_ros.paths import model_folder
    from sag_ros.policy.bundle import load_bundle

    if small:
        import torch

        from sag_ros.policy.random_bundle import random_bundle
        from sag_ros.pruning.pruner import Pruner, pruner_config

        bundle = random_bundle(0, pruner=SMALL_PRUNER)
        torch.manual_seed(0)
        return with_table(replace(bundle, pruner_state=Pruner(pruner_config(bundle)).state_dict()))
    bundle = load_bundle(model_folder(name))
    if bundle.pruner_state is None:
        raise ValueError(f"--bundle {name} has no pruner; use one that has, as models/pick_release")
    return with_table(bundle)


def with_table(bundle: PolicyBundle) -> Policy:
    """``bundle`` with the table of DDPM at all its steps."""
    from sag_ros.policy.samplers import build_table

    return Policy(bundle, build_table("ddpm", bundle.contract.diffusion.steps, bundle.contract.clip))


def shipped_masks(policy: Policy, count: int, seed: int) -> list[tuple[Float32, Plan]]:
    """Features of ``count`` made-up observations, and the plan that the pruner chooses for each."""
    from sag_ros.bench.prepare.check_bundle import observations
    from sag_ros.engines.runner import PolicyRunner

    runner = PolicyRunner(policy.bundle, engine="reference")
    found = []
    for features in observations(runner, count, seed):
        found.append((features, make_plan(runner.mask_source.mask(features), runner.mask_source.reuse)))
    return found


def plan_of(policy: Policy, density: float, seed: int, reuse: Reuse = "type") -> Plan:
    """``density`` of the blocks computed at random places; 1 is dense."""
    steps, blocks = len(policy.table), policy.bundle.contract.blocks
    mask = dense_mask(steps, blocks) if density == 1.0 else random_mask(steps, blocks, density, seed, reuse)
    return make_plan(mask, reuse)


def plans_of(
    policy: Policy, densities: Sequence[float], bundle: str, small: bool, seed: int
) -> dict[str, list[Plan]]:
    """``random <density>`` (``dense`` for 1) -> one plan, and the shipped masks where they fit ``policy``."""
    plans = {
        "dense" if density == 1.0 else f"random {density:g}": [plan_of(policy, density, seed)]
        for density in densities
    }
    if bundle:
        own = [plan for _, plan in shipped_masks(shipped_policy(bundle, small), 6, seed)]
        if own[0].mask.pruned.shape == (len(policy.table), policy.bundle.contract.blocks):
            plans[Path(bundle).name] = own
    return plans


def why_absent(spec: Spec, policy: Policy, precision: str, device: str) -> str | None:
    """Why an engine need not be tried on the GPU; on the CPU it tells itself when it is built."""
    from sag_ros.engines.registry import ENGINES, obstacle

    if spec.engine not in ENGINES:
        return f"engine {spec.engine} does not exist in this version; it has {', '.join(ENGINES)}"
    return None if device == "cpu" else obstacle(spec.engine, policy.bundle, precision)


def build(builder: Builder, spec: Spec, policy: Policy, precision: str, device: str) -> Any:
    """The engine of ``spec``. Raises whatever it raises."""
    options = {"precision": precision, "device": device, **spec.options}
    return builder(spec.engine, policy.bundle, policy.table, **options)
