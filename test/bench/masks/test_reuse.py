import numpy as np
import pytest
import torch

from sag_ros.bench.masks.reuse import measure, pairs, relative
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.policy.samplers import build_table
from sag_ros.train.data.windows import Windows


def windows(contract, episodes=(30, 30)):
    generator = torch.Generator().manual_seed(0)
    total = sum(episodes)
    features = torch.randn(1, total, contract.obs_dim, generator=generator)
    actions = torch.rand(total, contract.action_dim, generator=generator)
    starts = np.cumsum([0, *episodes[:-1]])
    frames = [
        start + torch.arange(length - contract.horizon)[:, None] + torch.arange(contract.horizon)
        for start, length in zip(starts, episodes, strict=True)
    ]
    return Windows(features, actions, torch.cat(frames), contract.observation_steps)


def test_relative_error():
    residual = np.array([[[2.0, -2.0], [1.0, 1.0]]], np.float32)
    assert relative(residual, residual) == (0.0, 0.0)
    assert relative(np.zeros_like(residual), residual) == (1.0, 1.0)
    assert relative(residual + np.float32([[[1.0, 1.0], [0.0, 0.0]]]), residual) == (0.5, 0.0)


def test_pairs_stay_within_an_episode():
    given = windows(random_bundle(0).contract)
    first = given.frames[:, 0]
    chosen = pairs(given, 8, 50, np.random.default_rng(0))
    assert (first[chosen] - first[chosen - 8] == 8).all()
    with pytest.raises(ValueError, match="windows 20 actions apart"):
        pairs(given, 20, 1, np.random.default_rng(0))


def test_an_observation_that_stays_makes_the_same_noise_exact():
    bundle = random_bundle(0)
    given = windows(bundle.contract)
    given.features[:] = given.features[:, :1]
    table = build_table("ddim4", bundle.contract.diffusion.steps)
    found = measure(bundle, table, given, 2, (1, 3), 0)
    assert list(found) == [
        "current forward: the layer before",
        "previous step, own",
        "previous rollout, 1 action ago, new noise",
        "previous rollout, 1 action ago, same noise",
        "previous rollout, 3 actions ago, new noise",
        "previous rollout, 3 actions ago, same noise",
    ]
    for name, (early, late) in found.items():
        exact = name.endswith("same noise")
        assert early == late == 0.0 if exact else early > 0.01 and late > 0.01
