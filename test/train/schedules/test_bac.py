from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sag_ros.policy.random_bundle import random_bundle
from sag_ros.policy.samplers import build_table
from sag_ros.pruning.rollout import sparse_rollout
from sag_ros.train.schedules.action_error import Batch
from sag_ros.train.schedules.activations import block_residuals, change, cosine_similarity, mean_distance
from sag_ros.train.schedules.bac import bac_mask, bubbling_union, update_steps


def total(similarity, chosen) -> float:
    steps = len(similarity)
    ends = [*chosen[1:], steps]
    return sum(similarity[a, a:b].sum() for a, b in zip(chosen, ends, strict=True))


@settings(max_examples=40, deadline=None)
@given(steps=st.integers(1, 8), data=st.data(), seed=st.integers(0, 10_000))
def test_the_update_steps_are_the_best_of_all(steps, data, seed):
    count = data.draw(st.integers(1, steps))
    vectors = np.random.default_rng(seed).normal(size=(steps, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    similarity = vectors @ vectors.T
    chosen = update_steps(similarity, count)
    assert len(chosen) == count and chosen[0] == 0 and (np.diff(chosen) > 0).all()
    others = ((0, *rest) for rest in combinations(range(1, steps), count - 1))
    assert total(similarity, list(chosen)) == pytest.approx(max(total(similarity, c) for c in others))


def test_update_steps_follow_the_change():
    similarity = np.ones((6, 6))
    similarity[:4, 4:] = similarity[4:, :4] = 0.0
    assert update_steps(similarity, 2).tolist() == [0, 4]
    with pytest.raises(ValueError, match="7 update steps of 6"):
        update_steps(similarity, 7)


def test_bubbling_union_takes_over_the_steps_of_deeper_ffns():
    pruned = np.ones((5, 9), np.bool_)
    pruned[0] = False
    pruned[1, 2] = pruned[2, 5] = pruned[3, 8] = pruned[4, 0] = False
    distance = np.zeros(9)
    distance[4] = 1.0  # the second layer's cross-attention
    changed = bubbling_union(pruned, distance, 1)
    assert np.flatnonzero(~changed[:, 4]).tolist() == [0, 2, 3]
    untouched = np.delete(np.arange(9), 4)
    np.testing.assert_array_equal(changed[:, untouched], pruned[:, untouched])


def test_a_mask_keeps_the_density_and_fills_every_cache():
    residuals = np.random.default_rng(0).normal(size=(6, 20, 8)).astype(np.float32).cumsum(axis=1)
    for density in (0.1, 0.3, 1.0):
        pruned = bac_mask(residuals, density, unions=2)
        assert not pruned[0].any()
        assert density - 0.2 < 1.0 - pruned.mean() <= density
    with pytest.raises(ValueError, match=r"less than one update step a block, 0\.05"):
        bac_mask(residuals, 0.01)


def test_residuals_are_those_of_dense_denoising():
    bundle = random_bundle(0)
    contract = bundle.contract
    table = build_table("ddim4", contract.diffusion.steps)
    rng = np.random.default_rng(0)
    batch = Batch(
        rng.normal(size=(2, contract.observation_steps, contract.obs_dim)).astype(np.float32),
        np.zeros((2, contract.action_steps, contract.action_dim), np.float32),
        rng.normal(size=(2, 5, contract.horizon, contract.action_dim)).astype(np.float32),
    )
    found = block_residuals(bundle, table, batch)
    assert found.shape == (contract.blocks, 4, 2 * contract.executed.stop * contract.network.width)
    # What the blocks add in the last step, decoded, is what the literal rule predicts there.
    obs, noise = torch.from_numpy(batch.features), torch.from_numpy(batch.noise).transpose(0, 1)
    noise = noise[:, :, : contract.executed.stop]
    ones = torch.ones(2, 4, contract.blocks)
    with torch.no_grad():
        first = sparse_rollout(bundle.dpt, build_table_head(table, 1), obs, ones[:, :1], noise[:2])
        memory = bundle.dpt.memory(int(table.timesteps[1]), obs)
        expected = bundle.dpt.block(bundle.dpt.embed(first), memory, 0)
    np.testing.assert_allclose(found[0, 1], expected.flatten().numpy(), rtol=1e-4, atol=1e-5)


def build_table_head(table, steps):
    from dataclasses import replace

    return replace(
        table, timesteps=table.timesteps[:steps].copy(), coefficients=table.coefficients[:steps].copy()
    )


def test_measures():
    residuals = np.array([[[1.0, 0.0], [0.0, 1.0], [0.0, 3.0]]], np.float32)
    np.testing.assert_allclose(cosine_similarity(residuals)[0], [[1, 0, 0], [0, 1, 1], [0, 1, 1]], atol=1e-7)
    np.testing.assert_allclose(mean_distance(residuals), [(1 + 2 + 1) / 3])
    np.testing.assert_allclose(change(residuals), [[0], [1], [1]])
