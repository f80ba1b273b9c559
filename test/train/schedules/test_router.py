from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from sag_ros.policy.random_bundle import random_bundle
from sag_ros.policy.samplers import build_table
from sag_ros.pruning.plan import make_plan
from sag_ros.train.data.windows import Windows
from sag_ros.train.run.loop import LoopConfig
from sag_ros.train.run.stop import Stop
from sag_ros.train.schedules.action_error import ActionErrorMetric
from sag_ros.train.schedules.router import Router, RouterConfig, prune, train_router
from sag_ros.values import Mask

STEPS, BLOCKS, IDLE = 5, 6, 2


@pytest.fixture(scope="module")
def setting():
    """A policy whose block ``IDLE`` adds nothing, its table and windows of random features and actions."""
    bundle = random_bundle(0, diffusion={"steps": STEPS})
    with torch.no_grad():
        idle = bundle.dpt.decoder.layers[IDLE // 3].linear2
        idle.weight.zero_()
        idle.bias.zero_()
    contract = bundle.contract
    generator = torch.Generator().manual_seed(1)
    frames = torch.arange(40)[:, None] + torch.arange(contract.horizon)
    features = torch.randn(1, 60, contract.obs_dim, generator=generator)
    actions = torch.rand(60, contract.action_dim, generator=generator) - 0.5
    windows = Windows(features, actions, frames, contract.observation_steps)
    return bundle, build_table("ddpm", STEPS, contract.clip), windows


def config(iterations=12, **changes):
    return RouterConfig(**{"loop": LoopConfig(iterations, 4, 0.7, 0, clip_norm=0.0), **changes})


class StopAfter(Stop):
    def __init__(self, count):
        super().__init__()
        self.count = count

    def __bool__(self):
        self.count -= 1
        return self.count < 0


def test_a_block_that_adds_nothing_is_pruned_and_the_others_are_kept(setting, tmp_path):
    pruned = train_router(config(penalty=2e-3), *setting, Stop(), tmp_path)
    assert pruned.shape == (STEPS, BLOCKS)
    assert pruned.dtype == np.bool_
    assert not pruned[0].any()
    assert pruned[1:, IDLE].all()
    others = np.delete(pruned[1:], IDLE, axis=1)
    assert others.mean() < 0.7
    make_plan(Mask(pruned), "block")  # valid: nothing is read before it is cached
    with np.load(tmp_path / "router.npz", allow_pickle=False) as file:
        np.testing.assert_array_equal(file["pruned"], file["betas"] < 0.1)
        assert float(file["betas"][0].min()) == 1.0


def test_the_price_decides_the_density(setting, tmp_path):
    dear = train_router(config(penalty=1e3), *setting, Stop(), tmp_path / "dear")
    assert dear[1:].all()
    free = train_router(config(5, penalty=0.0), *setting, Stop(), tmp_path / "free")
    assert not np.delete(free, IDLE, axis=1).any()


def test_trained_masks_are_better_than_random_ones_of_their_density(setting, tmp_path):
    pruned = train_router(config(penalty=0.0, density=0.5), *setting, Stop(), tmp_path)
    assert 1.0 - pruned.mean() == 0.5
    bundle, table, windows = setting
    metric = ActionErrorMetric(bundle, table, "block", "reference")
    batch = metric.batch(windows, torch.arange(len(windows)), 16, 0)
    own = metric.errors(pruned, batch)
    rng, others = np.random.default_rng(0), []
    for _ in range(5):
        routed = rng.permuted(pruned[1:].ravel()).reshape(STEPS - 1, BLOCKS)
        mask = np.vstack([pruned[:1], routed])
        others.append(metric.errors(mask, batch)["from_dense"])
    assert own["density"] == 0.5
    assert own["from_dense"] < min(others)


def test_an_interrupted_training_ends_as_an_uninterrupted_one(setting, tmp_path):
    for target in ("dense", "demonstration"):
        chosen = config(4, target=target, density=0.6)
        whole = train_router(chosen, *setting, Stop(), tmp_path / target / "whole")
        train_router(chosen, *setting, StopAfter(2), tmp_path / target / "parts")
        parts = train_router(chosen, *setting, Stop(), tmp_path / target / "parts")
        np.testing.assert_array_equal(whole, parts)
        betas = [np.load(tmp_path / target / name / "router.npz")["betas"] for name in ("whole", "parts")]
        np.testing.assert_array_equal(*betas)


def test_the_target_is_the_unpruned_policy_or_the_demonstration(setting, tmp_path):
    betas = []
    for target in ("dense", "demonstration"):
        train_router(config(3, target=target), *setting, Stop(), tmp_path / target)
        betas.append(np.load(tmp_path / target / "router.npz")["betas"])
    assert np.abs(betas[0] - betas[1]).max() > 1e-3


def test_recomputing_changes_nothing(setting, tmp_path):
    betas = []
    for recompute in (True, False):
        folder = tmp_path / str(recompute)
        train_router(config(3, recompute=recompute), *setting, Stop(), folder)
        betas.append(np.load(folder / "router.npz")["betas"])
    np.testing.assert_allclose(*betas, atol=1e-5)


def test_the_policy_is_not_changed(setting, tmp_path):
    bundle, table, windows = setting
    before = {name: value.clone() for name, value in bundle.dpt.state_dict().items()}
    train_router(config(2), bundle, table, windows, Stop(), tmp_path)
    for name, value in bundle.dpt.state_dict().items():
        assert torch.equal(value, before[name])


def test_whole_steps_are_never_routed():
    router = Router(7, BLOCKS, 2)
    torch.nn.init.constant_(router.logits, -4.0)
    pruned = prune(router.betas().detach().numpy(), RouterConfig())
    assert pruned.all(axis=1).tolist() == [False, True] * 3 + [False]
    assert Router(7, BLOCKS, 0).whole.tolist() == [True] + [False] * 6


def test_a_requested_density_takes_the_largest_betas():
    betas = np.array([[1.0, 1.0, 1.0], [0.05, 0.3, 0.2], [0.01, 0.02, 0.04]])
    for density, computed in ((1 / 3, 3), (5 / 9, 5), (6 / 9, 6), (1.0, 9)):
        pruned = prune(betas, RouterConfig(density=density))
        assert int((~pruned).sum()) == computed
        assert betas[~pruned].min() >= betas[pruned].max(initial=0.0)
    np.testing.assert_array_equal(prune(betas, RouterConfig()), betas < 0.1)


@pytest.mark.parametrize("density", [0.1, 1.2])
def test_impossible_densities_are_refused_before_training(setting, tmp_path, density):
    with pytest.raises(ValueError, match="cannot reach density"):
        train_router(config(density=density), *setting, Stop(), tmp_path / "none")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("wrong", [{"threshold": 0.0}, {"threshold": 1.0}, {"whole_every": -1}])
def test_wrong_configurations_are_refused(wrong):
    with pytest.raises(ValueError, match=r"threshold|whole_every"):
        replace(config(), **wrong)
