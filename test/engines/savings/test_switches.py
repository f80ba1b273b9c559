"""Each exact saving against the reference, alone and together."""

from __future__ import annotations

import numpy as np
import pytest

from sag_ros.engines.native.engine import NativeEngine
from sag_ros.engines.reference import ReferenceEngine
from sag_ros.engines.savings.switches import Savings
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.policy.samplers import build_table
from sag_ros.pruning.plan import make_plan
from sag_ros.pruning.static_masks import dense_mask, random_mask

CHOICES = {
    "all": Savings(),
    "none": Savings.none(),
    **{f"without {name}": Savings.without(name) for name in Savings.names()},
    **{
        f"{name} alone": Savings.without(*(other for other in Savings.names() if other != name))
        for name in Savings.names()
    },
}


@pytest.fixture(scope="module", params=[("ddpm", 2), ("ddim5", 4)], ids=lambda p: f"{p[0]}, {p[1]} frames")
def policy(request):
    sampler, frames = request.param
    bundle = random_bundle(3, observation_steps=frames, network={"layers": 3})
    return bundle, build_table(sampler, bundle.contract.diffusion.steps, bundle.contract.clip)


@pytest.mark.parametrize("name", CHOICES)
def test_exact(policy, draw, name):
    bundle, table = policy
    engine, reference = NativeEngine(bundle, table, "f32", CHOICES[name]), ReferenceEngine(bundle, table)
    blocks, worst = bundle.contract.blocks, 0.0
    for seed, density in enumerate((1.0, 0.6, 0.2)):
        for reuse in ("type", "block"):
            mask = (
                dense_mask(len(table), blocks)
                if density == 1.0
                else random_mask(len(table), blocks, density, seed, reuse)
            )
            plan = make_plan(mask, reuse)
            obs, noise = draw(bundle, table, seed)
            expected = reference.denoise(obs, plan, noise)
            error = np.abs(engine.denoise(obs, plan, noise) - expected).max() / np.abs(expected).max()
            worst = max(worst, error)
    assert worst < 1e-4


def test_names():
    assert Savings.without() == Savings()
    assert Savings.without("idle_steps") != Savings()
    with pytest.raises(ValueError, match="no saving magic; available: trailing_tokens"):
        Savings.without("magic", "idle_steps")
