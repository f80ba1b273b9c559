from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from sag_ros.data.demonstrations import Demonstrations
from sag_ros.engines.runner import PolicyRunner
from sag_ros.policy.bundle import load_bundle, save_bundle
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.train.run.checkpoint import load_checkpoint
from sag_ros.train.run.loop import LoopConfig
from sag_ros.train.run.progress import read_records
from sag_ros.train.variants.streaming.command import (
    StreamingTraining,
    streaming_contract,
    training_minutes,
    wider_horizon,
)

CAMERAS = {"front": {"height": 24, "width": 24}, "wrist": {"height": 24, "width": 24}}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base") / "policy"
    bundle = random_bundle(0, cameras=CAMERAS, horizon=8, action_steps=4)
    bundle.contract.provenance.update(iterations=7, episodes=6, pruner={"iterations": 1})
    save_bundle(folder, bundle)
    return folder


def training(store, base, out, **changes):
    config = StreamingTraining(
        data=store,
        bundle=base,
        output=out / "bundle",
        out=out / "work",
        loop=LoopConfig(8, 8, 1e-3, 2),
        hold_out=0.2,
        validation_windows=6,
        threads=1,
    )
    return replace(config, **changes)


@pytest.fixture(scope="module")
def trained(store, base, tmp_path_factory):
    config = training(store, base, tmp_path_factory.mktemp("streaming"))
    assert config.run()
    return config


def test_bundle_runs_and_tells_where_it_comes_from(trained, base, store):
    bundle = load_bundle(trained.output)
    contract = bundle.contract
    assert (contract.horizon, contract.diffusion.training, contract.pruner) == (9, "streaming", None)
    provenance = contract.provenance
    assert provenance["episodes"] == 6
    assert provenance["begun_from_iterations"] == 7
    assert not {"iterations", "pruner"} & set(provenance)
    own = provenance["streaming"]
    assert own["iterations"] == 8
    assert own["minutes"] >= 0.0
    assert own["begun_from"] == load_bundle(base).weights_hash
    assert own["arguments"]["loop"]["iterations"] == 8
    assert str(store.parent) not in str(provenance)
    runner = PolicyRunner(bundle, "streaming", "dense", "reference")
    obs = np.zeros((2, contract.obs_dim), np.float32)
    assert [runner.infer(stamp, obs).steps for stamp in (0.0, 0.2)] == [10, 5]


def test_bundle_holds_the_averaged_weights_and_the_encoder_of_the_start(trained, base):
    bundle, begun = load_bundle(trained.output), load_bundle(base)
    content = load_checkpoint(trained.out / "checkpoint.pt")
    for name, value in content["ema"]["module"].items():
        torch.testing.assert_close(bundle.dpt.state_dict()[name], value, rtol=1e-3, atol=1e-4)
    for name, value in begun.encoder.state_dict().items():
        assert torch.equal(bundle.encoder.state_dict()[name], value)
    assert not torch.equal(bundle.dpt.head.weight, begun.dpt.head.weight)


def test_an_interrupted_training_ends_with_the_same_policy(trained, store, base, tmp_path):
    config = training(store, base, tmp_path)
    assert not replace(config, minutes=0.0).run()
    assert load_bundle(tmp_path / "bundle").contract.provenance["streaming"]["iterations"] == 0
    assert config.run()
    a, b = (load_checkpoint(c.out / "checkpoint.pt") for c in (trained, config))
    assert all(torch.equal(value, b["model"][name]) for name, value in a["model"].items())


def test_log(trained):
    last = read_records(trained.out / "log.jsonl")[-1]
    assert last["iteration"] == 8
    assert last["validation_loss"] > 0
    assert last["first_error"]["mrad"] > 0
    assert last["action_error"]["mm"] > 0


def test_minutes_count_over_interruptions():
    records = [
        {"iteration": 30, "seconds_per_iteration": 2.0},
        {"iteration": 60, "seconds_per_iteration": 4.0},
    ]
    assert training_minutes(records, 60) == 3.0
    assert training_minutes(records, 75) == 4.0
    assert training_minutes([], 5) == 0.0


def test_wider_horizon_changes_nothing_for_the_tokens_there_were(base):
    bundle = load_bundle(base)
    contract = streaming_contract(bundle.contract, 5, {})
    assert contract.horizon == 21
    model = wider_horizon(bundle.dpt, contract).eval()
    sample, obs = torch.randn(2, 21, 8), torch.randn(2, 2, contract.obs_dim)
    with torch.no_grad():
        torch.testing.assert_close(model(sample, 3, obs)[:, :8], bundle.dpt(sample[:, :8], 3, obs))
    assert torch.equal(model.pos_emb[:, 20], bundle.dpt.pos_emb[:, 7])
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_refusals(trained, base, store, tmp_path):
    with pytest.raises(ValueError, match="this one's is 'streaming'; give the bundle of sag train policy"):
        training(store, trained.output, tmp_path).run()
    with pytest.raises(ValueError, match="no multiple of the 4 segments"):
        training(store, base, tmp_path, segments=4).run()
    with pytest.raises(ValueError, match="h >= 2"):
        training(store, base, tmp_path, segments=1).run()
    assert json.dumps(load_bundle(base).contract.provenance)  # nothing was written into the start
    assert len(Demonstrations(store).ends) == 6
