from __future__ import annotations

import numpy as np
import pytest
import torch

from sag_ros.engines.savings.cross_attention import FoldedCrossAttention, head_matrices
from sag_ros.engines.savings.folded_weights import NORM_EPSILON, fold
from sag_ros.engines.savings.step_tail import StepTail
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.policy.samplers import build_table

STEPS, TOKENS = 5, 9


@pytest.fixture(scope="module", params=[1, 2, 3])
def policy(request):
    """Observation steps 1, 2, 3."""
    bundle = random_bundle(3, diffusion={"steps": STEPS}, observation_steps=request.param)
    return bundle.dpt


@pytest.fixture
def stream(policy):
    """(T', d), not centred."""
    return torch.randn(TOKENS, policy.config.width, generator=torch.Generator().manual_seed(1)) + 0.5


def centre(x):
    return x - x.mean(axis=-1, keepdims=True)


def normalised(x):
    x = centre(x)
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + NORM_EPSILON)


def test_feed_forward(policy, stream):
    for index, layer in enumerate(fold(policy).layers):
        first, second = layer.feed_forward
        hidden = torch.from_numpy(normalised(stream.double().numpy()) @ first.weight.T + first.bias)
        got = torch.nn.functional.gelu(hidden).numpy() @ second.weight.T + second.bias
        with torch.no_grad():
            expected = policy.block(stream[None], torch.empty(0), 3 * index + 2)[0].numpy()
        np.testing.assert_allclose(got, centre(expected), atol=1e-5)


def test_cross_attention(policy, stream):
    config = policy.config
    table = build_table("ddpm", STEPS)
    matrices = head_matrices(fold(policy), config.heads)
    cross = FoldedCrossAttention(policy, matrices, table.timesteps, TOKENS)
    obs = torch.randn(1, config.obs_steps, config.obs_dim, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        frames = policy.memory(0, obs)[0, 1:].double().numpy()
    by_layer = (config.obs_steps, config.layers, config.heads)
    a, bias, b = (
        np.moveaxis(x.reshape(*by_layer, *x.shape[2:]), 0, 1).astype(np.float32)
        for x in matrices.fold(frames)
    )
    cross.set_frames(a, bias, b)
    h = centre(stream.numpy())
    out = np.empty_like(h)
    for step in (0, STEPS - 1, 0):
        for layer in range(config.layers):
            cross.block(h, step, layer, out)
            with torch.no_grad():
                memory = policy.memory(int(table.timesteps[step]), obs)
                expected = policy.block(stream[None], memory, 3 * layer + 1)[0].numpy()
            np.testing.assert_allclose(out, centre(expected), atol=2e-5)


@pytest.mark.parametrize("sampler", ["ddpm", "ddim3"])
def test_step_tail(policy, sampler):
    table = build_table(sampler, STEPS)
    config = policy.config
    tail = StepTail(fold(policy), table, TOKENS)
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(len(table) + 1, TOKENS, config.action_dim)).astype(np.float32)
    residual = rng.normal(size=(TOKENS, config.width)).astype(np.float32)
    h = np.empty_like(residual)
    weights, cache = (
        np.float32([2.0, 0.0, 1.0]),
        rng.normal(size=(3, TOKENS, config.width)).astype(np.float32),
    )
    cache[2] = centre(residual) - 2.0 * cache[0]  # together the residual
    results = []
    for skip in (False, True):
        tail.start(noise)
        for step in range(len(table)):
            if skip:
                tail.skip(step, step + 1, weights, cache)
            else:
                tail.embed(h)
                h += centre(residual)
                tail.finish(step, h)
        results.append(tail.x.copy())
    tail.start(noise)
    tail.skip(0, len(table), weights, cache)
    np.testing.assert_array_equal(tail.x, results[1])
    x = noise[0]
    with torch.no_grad():
        for step in range(len(table)):
            stream = policy.embed(torch.from_numpy(x).float()[None]) + torch.from_numpy(residual)
            x = table.step(step, x, policy.readout(stream)[0].numpy(), noise[step + 1])
    np.testing.assert_allclose(results[0], x, atol=1e-4)
    np.testing.assert_allclose(results[1], x, atol=1e-4)


def test_conditioning_must_be_token_wise():
    bundle = random_bundle(0, network={"cond_layers": 1})
    matrices = head_matrices(fold(bundle.dpt), bundle.dpt.config.heads)
    with pytest.raises(ValueError, match="use engine reference"):
        FoldedCrossAttention(bundle.dpt, matrices, np.arange(3), TOKENS)
