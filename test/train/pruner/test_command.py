import json

import numpy as np
import pytest
import torch

from sag_ros.policy.bundle import load_bundle, save_bundle
from sag_ros.policy.contract import PrunerSpec
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.pruning.pruner import build_pruner, stored_pruner
from sag_ros.pruning.static_masks import random_mask
from sag_ros.pruning.stored import Schedule, load_schedule, save_schedule
from sag_ros.train.pruner.command import PrunerTraining
from sag_ros.train.pruner.distil import DistilConfig
from sag_ros.train.run.loop import LoopConfig
from sag_ros.train.run.progress import read_records
from sag_ros.train.schedules.prior import firmness, late_prior
from sag_ros.train.schedules.search import SearchConfig

CAMERAS = {"front": {"height": 24, "width": 24}, "wrist": {"height": 24, "width": 24}}


@pytest.fixture
def policy(tmp_path):
    folder = tmp_path / "policy"
    save_bundle(folder, random_bundle(0, cameras=CAMERAS))
    return folder


def training(store, policy, out, iterations, **changes):
    options = {
        "data": store,
        "bundle": policy,
        "out": out,
        "density": 0.3,
        "threads": 1,
        "bf16": False,
        "hold_out": 0.2,
        "validation_windows": 4,
        "size": PrunerSpec(width=16, layers=1, heads=2, feedforward=32),
        "adam_epsilon": 1e-8,
        "search": SearchConfig(proposals=2, groups=2, group_proposals=2, windows=(2,)),
        "distil": DistilConfig(5, 4),
        "loop": LoopConfig(iterations, 4, 5e-3, 2),
    }
    return PrunerTraining(**{**options, **changes})


def test_density_is_driven_to_its_target_and_the_bundle_gets_the_pruner(store, policy, tmp_path):
    prior = tmp_path / "prior.npy"
    bundle = load_bundle(policy)
    steps, blocks = bundle.contract.diffusion.steps, bundle.contract.blocks
    np.save(prior, np.zeros((steps, blocks), np.bool_))  # everything computed: far from the target
    out = tmp_path / "out"
    assert training(store, policy, out, 60, prior=prior, prior_logit=0.3).run()
    trained = load_bundle(policy)
    assert trained.contract.provenance["pruner"]["iterations"] == 60
    assert str(tmp_path) not in json.dumps(trained.contract.provenance["pruner"])
    features = torch.randn(8, bundle.contract.observation_steps, bundle.contract.obs_dim)
    density = 1 - build_pruner(trained).mask(features).float().mean()
    assert 0.15 < float(density) < 0.5
    last = read_records(out / "log.jsonl")[-1]
    assert {"l1", "l1_dense", "density", "varying"} <= set(last)


def test_a_wrong_prior_is_refused(store, policy, tmp_path):
    np.save(tmp_path / "prior.npy", np.zeros((3, 6), np.bool_))
    with pytest.raises(ValueError, match="prior is a"):
        training(store, policy, tmp_path / "out", 1, prior=tmp_path / "prior.npy").run()


@pytest.mark.parametrize("density", [0.03, 0.045, 0.09, 0.14])
def test_the_prior_keeps_its_density_and_computes_late_steps(density):
    pruned = late_prior(100, 24, density)
    assert 0.6 * density <= 1 - pruned.mean() <= density
    assert not pruned[0, :3].any() and not pruned[-1].any()
    assert not pruned[-4:, :6].any()
    assert pruned[:-1, 6:].all()
    assert pruned[1:50].all()


def test_a_density_below_the_sparsest_schedule_is_refused():
    with pytest.raises(ValueError, match="below"):
        late_prior(100, 24, 0.001)


def test_gates_near_computed_blocks_are_open_to_change():
    pruned = np.ones((30, 12), np.bool_)
    pruned[0, :3] = pruned[20, 4] = False
    logits = firmness(pruned, 0.3, 1.5, reach=4)
    open_gates = {(int(k), int(b) // 3) for k, b in np.argwhere(logits < 1.0)}
    assert open_gates == {(k, 0) for k in range(5)} | {(k, 1) for k in range(16, 25)}
    assert set(np.unique(logits)) == {np.float32(0.3), np.float32(1.5)}


def test_a_pruner_that_chooses_gives_nothing_but_searched_schedules(store, policy, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(ValueError, match=r"--loop.iterations 3 \(must be 0\)"):
        training(store, policy, out, 3, choose=True).run()
    assert training(store, policy, out, 0, choose=True, name="sag_choice").run()
    bundle = load_bundle(policy)
    pruner = stored_pruner(bundle, load_schedule(bundle, "sag_choice"))
    searched = [np.load(out / f"schedule_{group}.npz")["pruned"] for group in range(2)]
    features = torch.randn(20, bundle.contract.observation_steps, bundle.contract.obs_dim)
    for mask in pruner.mask(features).numpy():
        assert any(np.array_equal(mask, own) for own in searched)


def test_a_pruner_that_spends_a_budget_chooses_among_the_named_schedules(store, policy, tmp_path):
    bundle = load_bundle(policy)
    steps, blocks = bundle.contract.diffusion.steps, bundle.contract.blocks
    masks = [random_mask(steps, blocks, density, 1, "block").pruned for density in (0.2, 0.7)]
    for name, mask in zip(("searched20", "searched70"), masks, strict=True):
        save_schedule(bundle, name, Schedule(steps, blocks, "block", mask))
    among = {
        "among": ("searched20", "searched70"),
        "name": "sag_need",
        "density": 0.4,
        "need_windows": 12,
        "need_draws": 1,
    }
    with pytest.raises(ValueError, match=r"has caches by block; use --reuse block"):
        training(store, policy, tmp_path / "wrong", 0, **among).run()
    with pytest.raises(ValueError, match=r"--loop.iterations 3 \(must be 0\)"):
        training(store, policy, tmp_path / "wrong", 3, **among)
    assert training(store, policy, tmp_path / "out", 0, reuse="block", **among).run()
    found = load_schedule(load_bundle(policy), "sag_need")
    need = found.provenance["need"]
    assert need["best"] <= need["told"] + 1e-9
    assert need["told_density"] <= 0.4 + 1e-6
    assert sum(need["told_masks"]) == sum(need["best_masks"]) == 12
    features = torch.randn(20, bundle.contract.observation_steps, bundle.contract.obs_dim)
    for mask in stored_pruner(bundle, found).mask(features).numpy():
        assert any(np.array_equal(mask, own) for own in masks)
