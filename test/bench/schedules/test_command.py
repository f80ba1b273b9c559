import json

import numpy as np
import pytest
import torch

from sag_ros.bench.schedules import command as search_schedule
from sag_ros.bench.schedules.command import ScheduleSearching
from sag_ros.policy.bundle import load_bundle, save_bundle
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.pruning.mask_sources import build_mask_source
from sag_ros.pruning.pruner import Pruner, pruner_config
from sag_ros.pruning.static_masks import forced_blocks
from sag_ros.pruning.stored import Schedule, load_schedule, mask_of, save_schedule, schedule_key
from sag_ros.train.data.bundle_windows import PolicyWindows
from sag_ros.train.data.windows import Windows
from sag_ros.train.schedules.evolution import EvolutionConfig

SIZE = {"width": 32, "layers": 1, "heads": 4, "feedforward": 64}


@pytest.fixture
def policy(tmp_path):
    from dataclasses import replace

    bundle = random_bundle(0, pruner=SIZE)
    torch.manual_seed(0)
    pruner = Pruner(pruner_config(bundle))
    torch.nn.init.normal_(pruner.head[-1].weight, std=1.0)
    return save_bundle(tmp_path / "policy", replace(bundle, pruner_state=pruner.state_dict()))


@pytest.fixture(autouse=True)
def windows(policy, monkeypatch):
    contract = policy.contract
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(1, 40, contract.obs_dim, generator=generator)
    actions = torch.rand(40, contract.action_dim, generator=generator)
    frames = torch.cat(
        [start + torch.arange(10)[:, None] + torch.arange(contract.horizon) for start in (0, 20)]
    )
    found = Windows(features, actions, frames.clamp(max=39), contract.observation_steps)
    monkeypatch.setattr(search_schedule, "policy_windows", lambda *_: PolicyWindows(found, found))


def searching(policy, tmp_path, **options):
    options = {"engine": "reference", "windows": 3, **options}
    return ScheduleSearching(tmp_path / "data.zarr", policy.folder, out=tmp_path / "out", **options)


def test_bac_is_kept_in_the_bundle_with_where_it_comes_from(policy, tmp_path):
    file = searching(policy, tmp_path, method="bac", density=0.4, unions=1).run()
    assert file.name == "bac40.json"
    found = load_schedule(load_bundle(policy.folder), "bac40")
    mask = mask_of(found)
    assert found.reuse == "block" and not mask.pruned[0].any()
    assert 0.1 < mask.density <= 0.4
    assert found.provenance["arguments"]["data"] == "data.zarr"
    assert found.provenance["held_out"]["density"] == pytest.approx(mask.density, abs=1e-4)
    assert {"l1", "l1_dense", "from_dense"} <= set(found.provenance["held_out"])
    assert str(tmp_path) not in json.dumps(dict(found.provenance))


def test_the_mean_mask_has_the_density_of_the_pruner_and_its_most_frequent_gates(policy, tmp_path):
    assert searching(policy, tmp_path, method="mean").run().name == "sag_mean.json"
    found = load_schedule(load_bundle(policy.folder), "sag_mean")
    assert found.reuse == "type"
    assert found.provenance["masks"] == 20
    mask = mask_of(found)
    assert not mask.pruned[0, :3].any()
    assert 0.0 < mask.density < 1.0


def test_evo_keeps_its_budget_and_goes_on_where_it_was(policy, tmp_path, monkeypatch, capsys):
    class Players:
        def __init__(self, setting, processes):
            assert setting.reuse == "block"

        def __enter__(self):
            # Late steps succeed more often.
            return lambda jobs: [(~pruned[5:]).sum() > 8 + seed % 3 for pruned, seed in jobs]

        def __exit__(self, *_):
            return None

    monkeypatch.setattr(search_schedule, "players", Players)
    config = EvolutionConfig(population=6, elite=2, generations=2, patience=9)
    options = {"method": "evo", "density": 0.3, "episodes": 3, "first_seed": 0, "evolution": config}
    searching(policy, tmp_path, **options).run()
    found = load_schedule(load_bundle(policy.folder), "evo30")
    assert mask_of(found).density == pytest.approx(0.3, abs=0.5 / found.steps / found.blocks)
    assert found.provenance["episodes"] == 3 and found.provenance["generations"] == 3
    assert "[evo] generation 3" in capsys.readouterr().out
    searching(policy, tmp_path, **options).run()  # nothing is left to do
    assert "[evo]" not in capsys.readouterr().out
    again = load_schedule(load_bundle(policy.folder), "evo30")
    np.testing.assert_array_equal(mask_of(found).pruned, mask_of(again).pruned)


def test_the_mean_mask_of_another_sampler_is_that_of_its_own_pruner(policy, tmp_path):
    bundle = load_bundle(policy.folder)
    steps, blocks = 3, bundle.contract.blocks
    rows = np.ones((steps, blocks), bool)
    rows[0] = rows[2, 4] = False
    key = schedule_key("sag", steps, bundle.contract.diffusion.steps)
    save_schedule(bundle, key, Schedule(steps, blocks, "type", rows))
    try:
        file = searching(policy, tmp_path, method="mean", sampler=f"ddim{steps}").run()
        assert file.name == f"sag_mean-{steps}.json"
        np.testing.assert_array_equal(load_schedule(load_bundle(policy.folder), file.stem).pruned, rows)
    finally:
        (policy.folder / "schedules" / f"{key}.json").unlink()


def test_the_mean_mask_of_a_pruner_with_caches_of_each_block(policy, tmp_path):
    bundle = load_bundle(policy.folder)
    steps, blocks = 3, bundle.contract.blocks
    rows = np.ones((steps, blocks), bool)
    rows[0] = rows[2, 4] = False
    key = schedule_key("sag_block12", steps, bundle.contract.diffusion.steps)
    save_schedule(bundle, key, Schedule(steps, blocks, "block", rows))
    try:
        file = searching(policy, tmp_path, method="mean", of="sag_block12", sampler=f"ddim{steps}").run()
        assert file.name == f"sag_block_mean12-{steps}.json"
        found = load_schedule(load_bundle(policy.folder), file.stem)
        assert found.reuse == "block"
        np.testing.assert_array_equal(found.pruned, rows)
        source = build_mask_source("sag_block_mean12", load_bundle(policy.folder), steps)
        np.testing.assert_array_equal(source.mask(None).pruned, rows)
    finally:
        (policy.folder / "schedules" / f"{key}.json").unlink()
    with pytest.raises(ValueError, match="--of bac9: the pruners whose mean is kept are sag and sag_block"):
        searching(policy, tmp_path, method="mean", of="bac9")


@pytest.mark.parametrize("reuse", ["block", "type"])
def test_a_searched_schedule_goes_on_from_another_towards_its_density(policy, tmp_path, reuse):
    steps, blocks = policy.contract.diffusion.steps, policy.contract.blocks
    save_schedule(policy, "searched99", Schedule(steps, blocks, reuse, np.zeros((steps, blocks), np.bool_)))
    options = {"method": "searched", "proposals": 12, "reuse": reuse, "engine": "auto"}
    file = searching(policy, tmp_path, density=0.9, start="searched99", **options).run()
    assert file.name == "searched90.json"
    found = load_schedule(load_bundle(policy.folder), "searched90")
    assert found.reuse == reuse and found.provenance["tried"] == 12
    assert mask_of(found).density <= 0.9
    assert not mask_of(found).pruned[0, : forced_blocks(blocks, reuse)].any()
    options["reuse"] = "type" if reuse == "block" else "block"
    with pytest.raises(ValueError, match=f"--start searched99 has caches by {reuse}"):
        searching(policy, tmp_path, density=0.9, start="searched99", **options).run()


def test_without_a_start_the_search_begins_with_a_schedule_of_its_density(policy, tmp_path):
    options = {"method": "searched", "proposals": 1, "engine": "auto"}
    searching(policy, tmp_path, density=0.5, **options).run()
    assert mask_of(load_schedule(load_bundle(policy.folder), "searched50")).density <= 0.6
