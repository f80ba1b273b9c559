import numpy as np
import pytest
import torch

from sag_ros.policy.random_bundle import random_bundle
from sag_ros.policy.samplers import build_table
from sag_ros.pruning.rollout import sparse_rollout
from sag_ros.train.schedule_search import Batch, ScheduleSearch, SearchConfig
from sag_ros.train.stop import Stop

DENSITY = 0.2


@pytest.fixture(scope="module")
def setting():
    bundle = random_bundle(0)
    contract = bundle.contract
    table = build_table("ddpm", contract.diffusion.steps, contract.clip)
    generator = torch.Generator().manual_seed(0)

    def batch(size: int) -> Batch:
        features = torch.randn(size, contract.observation_steps, contract.obs_dim, generator=generator)
        shape = (len(table) + 1, size, contract.executed.stop, contract.action_dim)
        noise = torch.randn(shape, generator=generator)
        everything = torch.ones(size, len(table), bundle.dpt.config.blocks)
        with torch.no_grad():
            dense = sparse_rollout(bundle.dpt, table, features, everything, noise)
        return Batch(features, dense[:, contract.executed], noise)  # what can be reached: distance 0

    return bundle, table, [batch(3), batch(3)]


def search(setting, path, proposals=0, price=0.1) -> ScheduleSearch:
    bundle, table, batches = setting
    executed, config = bundle.contract.executed, SearchConfig(windows=3)
    return ScheduleSearch(config, bundle.dpt, table, executed, batches, proposals, price, DENSITY, path)


def first_only(setting) -> np.ndarray:
    bundle, table, _ = setting
    start = np.ones((len(table), bundle.dpt.config.blocks), np.bool_)
    start[0, :3] = False
    return start


def total(searching: ScheduleSearch, pruned: np.ndarray) -> float:
    return float(np.mean([searching.score(pruned, batch) for batch in searching.batches]))


def test_the_score_is_the_distance_of_the_literal_rule_plus_the_price(setting, tmp_path):
    bundle, table, batches = setting
    searching = search(setting, tmp_path / "s.npz", price=0.5)
    rng = np.random.default_rng(0)
    pruned = rng.random((len(table), bundle.dpt.config.blocks)) < 0.6
    pruned[0, :3] = False
    batch = batches[0]
    gates = torch.from_numpy(~pruned).float().expand(len(batch.features), -1, -1)
    with torch.no_grad():
        chunk = sparse_rollout(bundle.dpt, table, batch.features, gates, batch.noise)
    distance = float((chunk[:, bundle.contract.executed] - batch.actions).abs().mean())
    density = 1.0 - pruned.mean()
    assert density > DENSITY
    assert searching.score(pruned, batch) == pytest.approx(distance + 0.5 * (density - DENSITY), rel=1e-4)


def test_it_finds_a_better_schedule(setting, tmp_path):
    searching = search(setting, tmp_path / "s.npz", proposals=60)
    start = first_only(setting)
    best, tried = searching.run(start, Stop())
    assert tried == 60
    assert total(searching, best) < 0.9 * total(searching, start)


def test_an_interrupted_search_ends_with_the_same_schedule(setting, tmp_path):
    start = first_only(setting)
    whole, _ = search(setting, tmp_path / "whole.npz", proposals=30).run(start, Stop())
    search(setting, tmp_path / "halves.npz", proposals=13).run(start, Stop())
    again, tried = search(setting, tmp_path / "halves.npz", proposals=30).run(start, Stop())
    assert tried == 30
    np.testing.assert_array_equal(whole, again)
