import numpy as np
import pytest
import torch

from sag_ros.policy.random_bundle import random_bundle
from sag_ros.policy.samplers import build_table
from sag_ros.pruning.pruner import gates
from sag_ros.pruning.rollout import sparse_rollout
from sag_ros.train.pruner.straight_through import straight_through_rollout


@pytest.fixture(scope="module")
def setting():
    bundle = random_bundle(0)
    contract = bundle.contract
    table = build_table("ddpm", contract.diffusion.steps, contract.clip)
    generator = torch.Generator().manual_seed(0)
    batch, tokens = 3, 9
    obs = torch.randn(batch, contract.observation_steps, contract.obs_dim, generator=generator)
    noise = torch.randn(len(table) + 1, batch, tokens, contract.action_dim, generator=generator)
    return bundle.dpt, table, obs, noise, generator


def logits_for(dpt, table, batch, density, generator):
    compute = torch.rand(batch, len(table), dpt.config.blocks, generator=generator) < density
    value = torch.where(compute, 1.0, -1.0)
    return torch.stack([value, -value], dim=-1).requires_grad_()


@pytest.mark.parametrize("density", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("reuse", ["type", "block"])
@pytest.mark.parametrize("through_cache", [False, True])
def test_value_and_full_gradient_are_those_of_the_literal_rule(
    setting, density, reuse, through_cache
) -> None:
    dpt, table, obs, noise, generator = setting
    slots = 3 if reuse == "type" else dpt.config.blocks
    first = logits_for(dpt, table, len(obs), density, generator)
    if reuse == "block":
        with torch.no_grad():
            first[:, 0] = torch.tensor([1.0, -1.0])
    results = []
    for rollout in (
        lambda g: sparse_rollout(dpt, table, obs, g, noise, reuse, through_cache=through_cache),
        lambda g: straight_through_rollout(
            dpt, table, obs, g, noise, explore=1.0, slots=slots, through_cache=through_cache
        ),
    ):
        logits = first.detach().clone().requires_grad_()
        out = rollout(gates(logits))
        (out * torch.linspace(-1, 1, out.numel()).reshape(out.shape)).sum().backward()
        results.append((out.detach(), logits.grad))
    (literal, literal_gradient), (fast, fast_gradient) = results
    assert torch.allclose(literal, fast, atol=1e-5)
    scale = literal_gradient.abs().max() + 1e-9
    assert ((literal_gradient - fast_gradient).abs().max() / scale) < 1e-3


def test_exploring_a_share_is_unbiased(setting) -> None:
    dpt, table, obs, noise, generator = setting
    start = logits_for(dpt, table, len(obs), 0.3, generator)

    def gradient(explore: float, seed: int) -> np.ndarray:
        torch.manual_seed(seed)
        logits = start.detach().clone().requires_grad_()
        straight_through_rollout(dpt, table, obs, gates(logits), noise, explore).sum().backward()
        return logits.grad.numpy()

    full = gradient(1.0, 0)
    mean = np.mean([gradient(0.3, seed) for seed in range(150)], axis=0)
    assert np.abs(mean - full).mean() < 0.25 * np.abs(full).mean()
