import numpy as np
import torch

from sag_ros.policy.random_bundle import random_bundle
from sag_ros.policy.samplers import build_table
from sag_ros.pruning.static_masks import random_mask
from sag_ros.train.data.windows import Windows
from sag_ros.train.schedules.action_error import ActionErrorMetric


def windows(contract, count=12) -> Windows:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(1, 40, contract.obs_dim, generator=generator)
    actions = torch.rand(40, contract.action_dim, generator=generator)
    frames = torch.arange(count)[:, None] + torch.arange(contract.horizon)
    return Windows(features, actions, frames, contract.observation_steps)


def test_the_same_windows_and_noise_for_every_mask_and_the_executed_tokens_alone():
    bundle = random_bundle(0)
    contract = bundle.contract
    metric = ActionErrorMetric(bundle, build_table("ddim5", contract.diffusion.steps), engine="reference")
    among = torch.tensor([2, 3, 5, 7])
    given = windows(contract)
    batch, again = (metric.batch(given, among, 3, seed=4) for _ in "ab")
    np.testing.assert_array_equal(batch.noise, again.noise)
    assert batch.noise.shape == (3, 6, contract.horizon, contract.action_dim)
    rows = {tuple(row.ravel()) for row in given.at(among)[1][:, contract.executed].numpy()}
    assert {tuple(row.ravel()) for row in batch.actions} <= rows
    mask = random_mask(5, contract.blocks, 0.5, 0).pruned
    chunks = metric.chunks(mask, batch)
    assert metric.distance(mask, batch) == np.abs(chunks - batch.actions).mean()
    assert metric.distance(metric.dense(), batch) != metric.distance(mask, batch)
    np.testing.assert_array_equal(metric.chunks(mask, batch.only(2))[0], chunks[2])


def test_the_reuse_rule_is_obeyed():
    bundle = random_bundle(0)
    contract = bundle.contract
    table = build_table("ddim5", contract.diffusion.steps)
    mask = random_mask(5, contract.blocks, 0.6, 0, "block").pruned
    by_type, by_block = (ActionErrorMetric(bundle, table, reuse, "reference") for reuse in ("type", "block"))
    batch = by_type.batch(windows(contract), torch.arange(6), 2, 0)
    assert by_type.distance(mask, batch) != by_block.distance(mask, batch)


def test_errors_of_a_schedule():
    bundle = random_bundle(0)
    contract = bundle.contract
    metric = ActionErrorMetric(bundle, build_table("ddim5", contract.diffusion.steps), engine="reference")
    batch = metric.batch(windows(contract), torch.arange(6), 2, 0)
    mask = random_mask(5, contract.blocks, 0.5, 0).pruned
    found = metric.errors(mask, batch)
    assert abs(found["l1"] - metric.distance(mask, batch)) < 1e-5
    assert abs(found["l1_dense"] - metric.distance(metric.dense(), batch)) < 1e-5
    assert found["from_dense"] > 0 and found["density"] == 0.5
    assert metric.errors(metric.dense(), batch)["from_dense"] == 0
