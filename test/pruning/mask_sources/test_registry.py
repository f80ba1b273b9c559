from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from sag_ros.policy.bundle import save_bundle
from sag_ros.policy.contract import PrunerSpec
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.pruning.mask_sources import (
    MASK_SOURCES,
    FixedMask,
    build_mask_source,
)
from sag_ros.pruning.plan import make_plan
from sag_ros.pruning.pruner import Pruner, pruner_config
from sag_ros.pruning.static_masks import geometric_mask, random_mask, uniform_mask
from sag_ros.pruning.stored import Schedule, save_schedule
from sag_ros.values import Mask

SIZE = {"width": 32, "layers": 1, "heads": 4, "feedforward": 64}


STATIC = ("searched", "sag_mean", "sag_block_mean", "bac", "evo", "l2c")


def trained_pruner(bundle, steps=None):
    torch.manual_seed(0)
    pruner = Pruner(pruner_config(bundle, steps, PrunerSpec(**SIZE)))
    with torch.no_grad():
        pruner.head[-1].weight.normal_(std=1.0)
    return pruner.state_dict()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    bundle = random_bundle(0, pruner=SIZE)
    folder = tmp_path_factory.mktemp("policy")
    bundle = save_bundle(folder, replace(bundle, pruner_state=trained_pruner(bundle)))
    steps, blocks = bundle.contract.diffusion.steps, bundle.contract.blocks
    static = random_mask(steps, blocks, 0.3, 1, "block").pruned
    for name in STATIC:
        save_schedule(bundle, name, Schedule(steps, blocks, "block", static))
    for name, n, reuse in (
        ("sag_block", steps, "block"),
        ("sag_budget", steps, "type"),
        ("sag_choice", steps, "type"),
        ("sag-5", 5, "type"),
    ):
        state = trained_pruner(bundle, n)
        save_schedule(bundle, name, Schedule(n, blocks, reuse, None, PrunerSpec(**SIZE), state))
    codebook = torch.stack(
        [torch.from_numpy(random_mask(steps, blocks, 0.3, n, "block").pruned) for n in (1, 2)]
    )
    state = {**trained_pruner(bundle), "codebook": codebook.float()}
    spec, need = PrunerSpec(**SIZE, masks=2), {"need": {"told_masks": [3, 1]}}
    save_schedule(bundle, "sag_need", Schedule(steps, blocks, "block", None, spec, state, need))
    return bundle


@pytest.mark.parametrize("name", sorted(MASK_SOURCES))
def test_every_registered_source_gives_executable_masks(bundle, name):
    contract = bundle.contract
    steps = contract.diffusion.steps
    source = build_mask_source(name, bundle, steps)
    assert source.name.startswith(name)
    obs = (
        np.random.default_rng(0)
        .normal(size=(contract.observation_steps, contract.obs_dim))
        .astype(np.float32)
    )
    mask = source.mask(obs)
    assert mask.pruned.shape == (steps, contract.blocks)
    make_plan(mask, source.reuse)
    assert (source.mask(obs).pruned == mask.pruned).all()


def test_densities(bundle):
    obs = np.zeros((2, bundle.contract.obs_dim), np.float32)
    assert build_mask_source("dense", bundle, 10).mask(obs).density == 1.0
    assert build_mask_source("uniform5", bundle, 10).mask(obs).density == pytest.approx(0.2)
    assert build_mask_source("uniform", bundle, 100).mask(obs).density == pytest.approx(0.1)
    assert random_mask(100, 24, 0.09, 0).density == pytest.approx(0.09, abs=0.02)
    assert random_mask(5, 6, 0.0, 0, "block").density == pytest.approx(0.2)


def test_uniform_refreshes_whole_steps():
    pruned = uniform_mask(7, 6, 3).pruned
    assert (~pruned).all(axis=1).tolist() == [True, False, False, True, False, False, True]


@pytest.mark.parametrize("steps", [1, 2, 10, 57])
def test_geometric_computes_whole_steps_closer_together_towards_the_end(steps):
    for count in range(1, steps + 1):
        pruned = geometric_mask(steps, 6, count).pruned
        computed = np.flatnonzero(~pruned.any(axis=1))
        assert len(computed) == count == (~pruned.all(axis=1)).sum()
        assert computed[0] == 0
        assert count == 1 or computed[-1] == steps - 1
        assert (np.diff(computed, 2) <= 1).all()  # rounded to whole steps


def test_geometric_as_its_docstring_says():
    computed = np.flatnonzero(~geometric_mask(100, 24, 10).pruned.any(axis=1))
    assert computed.tolist() == [0, 40, 64, 78, 87, 92, 95, 97, 98, 99]


def test_sag_depends_on_the_observation(bundle):
    source = build_mask_source("sag", bundle, 10)
    rng = np.random.default_rng(0)
    first, second = (
        source.mask(rng.normal(size=(2, bundle.contract.obs_dim)).astype(np.float32)) for _ in "ab"
    )
    assert (first.pruned != second.pruned).any()


def test_stored_schedules_bring_their_reuse_rule_and_steps(bundle):
    obs = np.zeros((bundle.contract.observation_steps, bundle.contract.obs_dim), np.float32)
    for name in (*STATIC, "sag_block"):
        source = build_mask_source(name, bundle, 10)
        assert (source.name, source.reuse) == (name, "block")
        assert not source.mask(obs).pruned[0].any()  # every block's own cache is filled first
    assert build_mask_source("sag_budget", bundle, 10).reuse == "type"
    assert build_mask_source("sag", bundle, 5).mask(obs).pruned.shape == (5, bundle.contract.blocks)


def test_fixed_mask_is_a_copy():
    pruned = np.zeros((2, 3), np.bool_)
    source = FixedMask(Mask(pruned))
    pruned[1] = True
    assert source.mask(np.zeros((2, 3), np.float32)).density == 1.0


def test_refusals(bundle):
    with pytest.raises(ValueError, match="'magic' does not exist; available: coin, dense"):
        build_mask_source("magic", bundle, 10)
    with pytest.raises(ValueError, match=r"no schedule 'sag-4'; there is: bac, .*Search or train it again"):
        build_mask_source("sag", bundle, 4)
    with pytest.raises(ValueError, match="no schedule 'evo7'; there is: none"):
        build_mask_source("evo7", random_bundle(0), 10)
    with pytest.raises(ValueError, match="every N-th"):
        build_mask_source("uniform0", bundle, 10)
    with pytest.raises(ValueError, match="got 11"):
        build_mask_source("geometric11", bundle, 10)
    with pytest.raises(ValueError, match="no pruner"):
        build_mask_source("sag", random_bundle(0), 10)
    with pytest.raises(ValueError, match="density"):
        random_mask(2, 3, 1.5, 0)


@pytest.mark.parametrize("name", ["uniform4", "random20", "sag"])
def test_fresh_cross_attention(bundle, name):
    steps = bundle.contract.diffusion.steps
    source, other = (build_mask_source(text, bundle, steps) for text in (name, f"{name}+ca"))
    assert (other.name, other.reuse) == (f"{source.name}+ca", source.reuse)
    obs = np.zeros((bundle.contract.observation_steps, bundle.contract.obs_dim), np.float32)
    before, after = source.mask(obs).pruned, other.mask(obs).pruned
    assert not after[:, 1::3].any()
    assert before[:, 1::3].any()
    for kind in (0, 2):
        assert (before[:, kind::3] == after[:, kind::3]).all()
    make_plan(other.mask(obs), other.reuse)


def test_fresh_cross_attention_keeps_a_static_schedule_one_object(bundle):
    """Whoever has made a plan for it can keep the plan."""
    source = build_mask_source("uniform4+ca", bundle, 10)
    obs = np.zeros((2, 2), np.float32)
    assert source.mask(obs) is source.mask(obs)
