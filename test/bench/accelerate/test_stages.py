"""The whole way with a small policy, no task and almost no time."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sag_ros.bench.accelerate import searching, stages
from sag_ros.bench.accelerate.command import Acceleration
from sag_ros.bench.accelerate.searching import Setting, search_all
from sag_ros.policy.bundle import load_bundle, save_bundle
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.pruning.mask_sources import build_mask_source
from sag_ros.pruning.stored import load_schedule
from sag_ros.train.data.bundle_windows import PolicyWindows
from sag_ros.train.data.windows import Windows


@pytest.fixture
def policy(tmp_path: Path):
    return save_bundle(tmp_path / "policy", random_bundle(0))


@pytest.fixture(autouse=True)
def windows(policy, monkeypatch):
    contract = policy.contract
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(1, 40, contract.obs_dim, generator=generator)
    actions = torch.rand(40, contract.action_dim, generator=generator)
    frames = (torch.arange(20)[:, None] + torch.arange(contract.horizon)).clamp(max=39)
    found = Windows(features, actions, frames, contract.observation_steps)
    for module in (searching, stages):
        monkeypatch.setattr(module, "policy_windows", lambda *_: PolicyWindows(found, found))
    monkeypatch.setattr(stages, "episodes_within", lambda *_: None)
    return found


def setting(policy, tmp_path: Path) -> Setting:
    return Setting(policy.folder, Path("data.zarr"), tmp_path / "f", tmp_path / "out", engine="reference")


def test_a_search_is_kept_in_the_bundle_and_goes_on_from_where_it_was(policy, tmp_path):
    (first,) = search_all(setting(policy, tmp_path), (0.3,), 1e3, 1, 3)
    assert first.method == "searched30"
    assert first.after <= first.before or first.density <= 0.3  # it may have had to give up blocks
    schedule = load_schedule(load_bundle(policy.folder), "searched30")
    assert schedule.provenance["tried"] == first.tried == 3
    steps = policy.contract.diffusion.steps
    source = build_mask_source("searched30", load_bundle(policy.folder), steps)
    assert source.reuse == first.reuse
    assert source.mask(torch.zeros(2, policy.contract.obs_dim).numpy()).density <= 0.3 + 1e-9
    (again,) = search_all(setting(policy, tmp_path), (0.3,), 1e3, 1, 5)
    assert again.tried == 5


def accelerate(policy, tmp_path: Path, **options) -> Acceleration:
    out = tmp_path / "out"
    return Acceleration(
        str(policy.folder), Path("data.zarr"), out=out, engine="reference", processes=1, budget=4.0,
        densities=(0.3,), **options,
    )  # fmt: skip


def test_the_whole_way_without_a_task(policy, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(stages, "search_all", lambda *a: search_all(*a, 3))
    content = accelerate(policy, tmp_path).run()
    rows = {row["name"]: row for row in content["rows"]}
    assert {"dense", "ddim5", "geometric3", "searched30"} <= set(rows)
    assert rows["dense"]["error_difference"] == [0.0, 0.0, 0.0]
    assert rows["geometric3"]["density"] == pytest.approx(3 / policy.contract.diffusion.steps)
    assert rows["ddim5"]["density"] == pytest.approx(5 / policy.contract.diffusion.steps)
    assert [row["ms"][0] for row in content["rows"]] == sorted(row["ms"][0] for row in content["rows"])
    assert content["recommendation"]["confirmed"] is None
    html = (tmp_path / "out/accelerate.html").read_text()
    assert "No episodes were played" in html
    assert "searched30" in html
    assert (tmp_path / "out/accelerate.png").stat().st_size > 10_000
    assert json.loads((tmp_path / "out/accelerate.json").read_text()) == json.loads(json.dumps(content))
    said = capsys.readouterr().out
    assert "take sampler:" in said
    assert "of 4:00] searching" in said

    accelerate(policy, tmp_path).run()  # nothing is left to do
    assert "done before" in capsys.readouterr().out


def test_a_unet_is_compared_with_fewer_steps_of_itself(tmp_path, windows):
    size = {"down_dims": [16, 32], "kernel_size": 3, "groups": 8, "step_dim": 16, "film_scale": True}
    policy = save_bundle(tmp_path / "policy", random_bundle(0, unet=size))
    content = accelerate(policy, tmp_path).run()
    assert {row["name"] for row in content["rows"]} == {"dense", "ddim8", "ddim5"}
    assert content["searched"] == []


def test_a_policy_of_few_steps_needs_no_schedule(policy, tmp_path):
    diffusion = policy.contract.diffusion.model_copy(update={"training": "consistency"})
    contract = policy.contract.model_copy(update={"diffusion": diffusion})
    save_bundle(tmp_path / "policy", replace(policy, contract=contract))
    with pytest.raises(ValueError, match="trained for consistency"):
        accelerate(policy, tmp_path).run()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"budget": 1.0}, "at least 4 minutes"),
        ({"densities": (0.9,)}, "0.005 to 0.5"),
        ({"densities": (0.1, 0.101)}, "same percentage"),
        ({"processes": 0}, "at least 1"),
        ({"choosing_seed": 5, "stating_seed": 6}, "10000 apart"),
    ],
)
def test_what_cannot_be_asked(options, said):
    with pytest.raises(ValueError, match=said):
        Acceleration("bundle", Path("data"), **options)


def test_more_time_more_densities():
    assert Acceleration("b", Path("d"), budget=10).wanted == (0.1, 0.03)
    assert Acceleration("b", Path("d"), budget=60).wanted == (0.1, 0.05, 0.03, 0.02)
    assert Acceleration("b", Path("d"), densities=(0.02, 0.3)).wanted == (0.3, 0.02)
