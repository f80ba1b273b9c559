import numpy as np
import pytest
import torch

from sag_ros.policy.random_bundle import random_bundle
from sag_ros.policy.samplers import build_table
from sag_ros.pruning.rollout import sparse_rollout
from sag_ros.train.run.stop import Stop
from sag_ros.train.schedules.action_error import ActionErrorMetric, Batch
from sag_ros.train.schedules.mutate import MutationSpace
from sag_ros.train.schedules.search import ScheduleSearch, SearchConfig

DENSITY = 0.2


@pytest.fixture(scope="module")
def setting():
    bundle = random_bundle(0)
    contract = bundle.contract
    metric = ActionErrorMetric(
        bundle, build_table("ddpm", contract.diffusion.steps, contract.clip), engine="reference"
    )
    rng = np.random.default_rng(0)

    def batch(size: int) -> Batch:
        features = rng.normal(size=(size, contract.observation_steps, contract.obs_dim)).astype(np.float32)
        noise = rng.normal(size=(size, metric.steps + 1, contract.horizon, contract.action_dim))
        empty = np.zeros((size, contract.action_steps, contract.action_dim), np.float32)
        given = Batch(features, empty, noise.astype(np.float32))
        return Batch(features, metric.chunks(metric.dense(), given), given.noise)  # reachable: distance 0

    return metric, [batch(3), batch(3)]


def search(setting, path, proposals=0, price=0.1) -> ScheduleSearch:
    metric, batches = setting
    return ScheduleSearch(
        SearchConfig(windows=(3, 3)), metric, batches, MutationSpace(), proposals, price, DENSITY, path
    )


def first_only(setting) -> np.ndarray:
    start = np.ones_like(setting[0].dense())
    start[0, :3] = False
    return start


def total(searching: ScheduleSearch, pruned: np.ndarray) -> float:
    return float(np.mean([searching.score(pruned, batch) for batch in searching.batches]))


def test_the_score_is_the_distance_of_the_literal_rule_plus_the_price(setting, tmp_path):
    metric, batches = setting
    bundle, batch = metric.bundle, batches[0]
    searching = search(setting, tmp_path / "s.npz", price=0.5)
    pruned = np.random.default_rng(0).random(metric.dense().shape) < 0.6
    pruned[0, :3] = False
    gates = torch.from_numpy(~pruned).float().expand(len(batch.features), -1, -1)
    with torch.no_grad():
        chunk = sparse_rollout(
            bundle.dpt,
            metric.table,
            torch.from_numpy(batch.features),
            gates,
            torch.from_numpy(batch.noise).transpose(0, 1),
        )
    distance = float(np.abs(chunk[:, bundle.contract.executed].numpy() - batch.actions).mean())
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


def test_a_search_without_an_end_says_how_many_it_tried_and_of_no_number(setting, tmp_path, capsys):
    searching = search(setting, tmp_path / "s.npz", proposals=None)
    searching.run(first_only(setting), Stop(minutes=0.0))
    assert "[s] tried 0, kept 0 " in capsys.readouterr().out
