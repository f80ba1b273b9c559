"""Engines on a U-Net: nothing is pruned, and samplers are the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sag_ros.engines.compare import largest_error
from sag_ros.engines.reference import reference_engine
from sag_ros.engines.registry import build_engine, choose
from sag_ros.engines.runner import PolicyRunner
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.policy.samplers import table_for
from sag_ros.pruning.plan import make_plan
from sag_ros.pruning.static_masks import dense_mask, uniform_mask

UNET = {"down_dims": [16, 32], "kernel_size": 5, "groups": 8, "step_dim": 16, "film_scale": True}


@pytest.fixture(scope="module", params=[True, False])
def bundle(request):
    return random_bundle(1, unet={**UNET, "film_scale": request.param})


def observation(bundle, seed: int = 0):
    contract = bundle.contract
    rng = np.random.default_rng(seed)
    return rng.normal(size=(contract.observation_steps, contract.obs_dim)).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "options", "allowed"),
    [
        ("openvino", {"precision": "f32"}, 1e-4),
        ("openvino", {"precision": "bf16"}, 0.3),
        ("cuda_graph", {"device": "cpu"}, 1e-4),
        ("cuda_graph", {"device": "cpu", "precision": "bf16"}, 0.3),
    ],
)
@pytest.mark.parametrize("sampler", ["ddpm", "ddim5"])
def test_engines_agree_with_the_reference(bundle, sampler, name, options, allowed):
    table = table_for(sampler, bundle.contract)
    engine = build_engine(name, bundle, table, **options)
    plan = make_plan(dense_mask(len(table), 3), "type")
    seen = [observation(bundle, seed) for seed in range(2)]
    assert largest_error(engine, bundle, table, plan, seen) < allowed


@pytest.mark.parametrize("name", ["reference", "cuda_graph"])
def test_it_begins_later_traces_and_estimates(bundle, name):
    table, contract = table_for("ddpm", bundle.contract), bundle.contract
    engine = build_engine(name, bundle, table, **({"device": "cpu"} if name == "cuda_graph" else {}))
    noise = np.random.default_rng(0).normal(size=(len(table) + 1, contract.horizon, contract.action_dim))
    noise, plan = noise.astype(np.float32), make_plan(dense_mask(len(table), 3), "type")
    trace = np.zeros_like(noise)
    whole = engine.denoise(observation(bundle), plan, noise, 0, trace)
    np.testing.assert_array_equal(trace[0], noise[0])
    np.testing.assert_allclose(trace[-1][contract.executed], whole)
    later = np.concatenate([trace[4:5], noise[1:]])
    np.testing.assert_allclose(engine.denoise(observation(bundle), plan, later, 4), whole, atol=1e-6)
    clean = engine.estimate(observation(bundle), trace[-2], len(table) - 1)
    assert clean.shape == trace[0].shape
    assert np.abs(clean).max() <= 1.0
    expected = reference_engine(bundle, table).estimate(observation(bundle), trace[-2], len(table) - 1)
    np.testing.assert_allclose(clean, expected, atol=1e-5)


def test_masks_are_of_transformers(bundle):
    table = table_for("ddpm", bundle.contract)
    plan = make_plan(uniform_mask(len(table), 3, 2), "block")
    shape = len(table) + 1, bundle.contract.horizon, bundle.contract.action_dim
    noise = np.zeros(shape, np.float32)
    for name, options in (("openvino", {}), ("cuda_graph", {"device": "cpu"})):
        engine = build_engine(name, bundle, table, **options)
        with pytest.raises(ValueError, match=r"masks are of transformer blocks.*sampler ddim10"):
            engine.denoise(observation(bundle), plan, noise)
    with pytest.raises(ValueError, match="no pruner"):
        PolicyRunner(bundle, "ddpm", "sag")
    with pytest.raises(ValueError, match="int8 weights are for transformers"):
        build_engine("openvino", bundle, table, precision="int8")


def test_auto_takes_what_can_run_it(bundle, monkeypatch):
    name, passed = choose("auto", bundle)
    assert name == "openvino"
    assert any("denoiser is a U-Net" in text for text in passed)
    runner = PolicyRunner(bundle, "ddim5", "dense")
    assert runner.engine_name == "openvino-f32"
    assert runner.infer(0.0, observation(bundle)).chunk.positions.shape == (bundle.contract.action_steps, 7)
    monkeypatch.setattr("sag_ros.engines.gpu.device.cuda_obstacle", lambda: None)
    monkeypatch.setattr("sag_ros.engines.gpu.device.choose_device", lambda device: torch.device("cpu"))
    assert choose("auto", bundle)[0] == "cuda_graph"
    assert "int8" in choose("auto", bundle, "int8")[1][-1]
