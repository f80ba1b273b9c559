from __future__ import annotations

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest

from sag_ros.engines.runner import PolicyRunner
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.policy.samplers.rtc import FIRST
from sag_ros.values import Observation

READY = np.array([0.0, -0.78, 0.0, -2.36, 0.0, 1.57, 0.78, 0.04])


def observation(bundle, seed=0):
    contract, rng = bundle.contract, np.random.default_rng(seed)
    steps = contract.observation_steps
    images = {
        camera: rng.integers(0, 256, (steps, size.height, size.width, 3), np.uint8)
        for camera, size in contract.cameras.items()
    }
    return Observation(12.5, images, np.tile(READY, (steps, 1)) + 0.01 * rng.standard_normal((steps, 8)))


@pytest.fixture(scope="module")
def runners(bundle):
    return {
        "reference": PolicyRunner(bundle, engine="reference"),
        "openvino": PolicyRunner(bundle, engine="openvino", precision="f32"),
    }


def test_chunk(bundle, runners):
    inference = runners["openvino"].infer_observation(observation(bundle))
    chunk, contract = inference.chunk, bundle.contract
    assert chunk.positions.shape == (contract.action_steps, 7)
    assert chunk.gripper.shape == (contract.action_steps,)
    assert (chunk.stamp, chunk.period) == (12.5, contract.control_period)
    assert not chunk.positions.flags.writeable
    assert inference.mask.pruned.shape == (contract.diffusion.steps, contract.blocks)
    timing = inference.timing
    parts = (timing.encode_ms, timing.pruner_ms, timing.denoise_ms, timing.extra["plan_ms"])
    assert min(parts) > 0
    assert timing.total_ms == pytest.approx(sum(parts), rel=1e-6)


def test_engines_agree_in_physical_units(bundle, runners):
    for seed in range(3):
        chunks = []
        for runner in runners.values():
            runner.reset(seed)
            chunks.append(runner.infer_observation(observation(bundle, seed)).chunk)
        np.testing.assert_allclose(chunks[0].positions, chunks[1].positions, atol=1e-4)
        np.testing.assert_allclose(chunks[0].gripper, chunks[1].gripper, atol=1e-5)


def test_actions_are_denormalised(bundle, runners):
    """Clipped samples lie in [-1, 1], so actions lie in the range of the training data."""
    chunk = runners["openvino"].infer_observation(observation(bundle)).chunk
    scale, offset = (v.numpy() for v in bundle.normaliser.vectors("action"))
    normalised = np.column_stack([chunk.positions, chunk.gripper]) * scale + offset
    assert np.abs(normalised).max() <= 1.0 + 1e-5
    assert np.abs(normalised).max() > 0.1


def test_features_layout(bundle, runners):
    runner, contract = runners["openvino"], bundle.contract
    sample = observation(bundle)
    frames = [{c: runner.encode(c, images[i]) for c, images in sample.images.items()} for i in range(2)]
    features = runner.features(frames, sample.state)
    assert features.shape == (2, contract.obs_dim)
    assert features.dtype == np.float32
    size = contract.encoder.features
    for i, camera in enumerate(contract.cameras):
        for step in range(2):
            assert (features[step, i * size : (i + 1) * size] == frames[step][camera]).all()
    scale, offset = (v.numpy() for v in bundle.normaliser.vectors("state"))
    np.testing.assert_allclose(features[:, -8:], sample.state * scale + offset, atol=1e-5)
    with pytest.raises(ValueError, match="need 2 frames"):
        runner.features(frames[:1], sample.state)
    with pytest.raises(KeyError, match="wrist"):
        runner.features([{"front": frames[0]["front"]}] * 2, sample.state)


def test_noise(bundle):
    obs = np.zeros((2, bundle.contract.obs_dim), np.float32)
    fresh = PolicyRunner(bundle, engine="reference", mask_source="uniform5", seed=3)
    fixed = PolicyRunner(bundle, engine="reference", mask_source="uniform5", seed=3, noise="fixed")
    first, second = (fixed.infer(0.0, obs).chunk.positions for _ in "ab")
    assert np.array_equal(first, second)
    fixed.reset(4)
    assert not np.array_equal(first, fixed.infer(0.0, obs).chunk.positions)
    fixed.reset(3)
    assert np.array_equal(first, fixed.infer(0.0, obs).chunk.positions)
    one, two = (fresh.infer(0.0, obs).chunk.positions for _ in "ab")
    assert not np.array_equal(one, two)
    fresh.reset(3)
    assert np.array_equal(one, fresh.infer(0.0, obs).chunk.positions)


@pytest.mark.parametrize("mask_source", ["dense", "uniform5", "random20", "sag"])
@pytest.mark.parametrize("sampler", ["ddpm", "ddim4"])
def test_axes_combine(bundle, sampler, mask_source):
    if (sampler, mask_source) == ("ddim4", "sag"):
        with pytest.raises(ValueError, match="no schedule 'sag-4'"):
            PolicyRunner(bundle, sampler, mask_source, "reference")
        return
    runner = PolicyRunner(bundle, sampler, mask_source, "reference")
    inference = runner.infer(0.0, np.zeros((2, bundle.contract.obs_dim), np.float32))
    assert np.isfinite(inference.chunk.positions).all()
    assert len(inference.mask.pruned) == len(runner.table)


def test_names_and_refusals(bundle, runners):
    assert runners["reference"].engine_name == "reference"
    assert runners["openvino"].engine_name == "openvino-f32"
    with pytest.raises(ValueError, match="'fresh' or 'fixed'"):
        PolicyRunner(bundle, noise="none")  # type: ignore[arg-type]


def test_weights_and_sampler_must_fit(bundle):
    student = random_bundle(0, diffusion={"training": "consistency"})
    for policy, sampler in ((bundle, "cm1"), (student, "ddpm"), (student, "ddim4")):
        with pytest.raises(ValueError, match=f"'{sampler}' needs a policy with diffusion.training"):
            PolicyRunner(policy, sampler, "dense", "reference")


def test_a_consistency_student_runs_in_three_steps():
    student = random_bundle(0, diffusion={"training": "consistency"})
    runner = PolicyRunner(student, "cm3", "dense", "reference")
    inference = runner.infer_observation(observation(student))
    assert inference.mask.pruned.shape == (3, student.contract.blocks)
    assert np.isfinite(inference.chunk.positions).all()


STATEFUL = {
    "falcon": {"diffusion": {"steps": 20}},
    "falcon10": {"diffusion": {"steps": 20}},
    "rtc": {"diffusion": {"steps": 20}},
    "rtc10": {"diffusion": {"steps": 20}},
    "streaming": {"horizon": 17, "diffusion": {"steps": 20, "training": "streaming"}},
}


@pytest.mark.parametrize("sampler", STATEFUL)
def test_samplers_with_a_state_agree_across_engines(sampler):
    """Chunk after chunk; the engines' roundings must not pile up."""
    bundle = random_bundle(4, **STATEFUL[sampler])
    period = bundle.contract.control_period
    runners = [
        PolicyRunner(bundle, sampler, "dense", engine, seed=1, **options)
        for engine, options in (("reference", {}), ("native", {"precision": "f32"}))
    ]
    obs, continued = np.random.default_rng(0).standard_normal((2, bundle.contract.obs_dim)), set()
    for stamp in (0.0, 8 * period, 16.2 * period, 19 * period, 100 * period, 108 * period):
        chunks = [runner.infer(stamp, obs.astype(np.float32)) for runner in runners]
        np.testing.assert_allclose(chunks[0].chunk.positions, chunks[1].chunk.positions, atol=1e-4)
        assert chunks[0].steps == chunks[1].steps
        continued.add(chunks[0].steps)
    assert len(continued) > 1
    full = len(runners[0].table)
    first = full + (FIRST if sampler.startswith("rtc") else 0)  # which needs a chunk to go on from
    for runner in runners:
        runner.reset(1)
        assert runner.infer(0.0, obs.astype(np.float32)).steps == first


def test_a_chunk_of_streaming_continues_where_the_last_one_ended():
    bundle = random_bundle(4, **STATEFUL["streaming"])
    runner = PolicyRunner(bundle, "streaming", "dense", "reference")
    obs = np.zeros((2, bundle.contract.obs_dim), np.float32)
    assert runner.executed_since(1.0) is None
    steps = []
    for stamp in (1.0, 1.4, 1.79, 1.8, 2.3, 2.2):
        steps.append(runner.infer(stamp, obs).steps)
    assert steps == [20, 10, 10, 10, 20, 20]  # 8, 8, 0, 10 and -2 actions later
    assert runner.executed_since(2.6) == pytest.approx(8)


def test_an_exact_continuation_needs_few_steps_and_says_so():
    """With a threshold that everything meets Falcon starts late; the first chunk after reset never does."""
    bundle = random_bundle(4, **STATEFUL["falcon"])
    runner = PolicyRunner(bundle, "falcon", "dense", "reference")
    runner.sampler.settings = replace(runner.sampler.settings, threshold=10.0, explore=0.0)
    obs = np.zeros((2, bundle.contract.obs_dim), np.float32)
    assert [runner.infer(stamp, obs).steps for stamp in (0.0, 0.4)] == [20, 3]  # 2 steps and the estimate
    runner.reset(0)
    assert runner.infer(0.8, obs).steps == 20


def test_falcon_begins_where_a_sparse_plan_can():
    bundle = random_bundle(4, **STATEFUL["falcon"])
    runner = PolicyRunner(bundle, "falcon", "uniform10", "reference")
    runner.sampler.settings = replace(runner.sampler.settings, threshold=10.0, explore=0.0)
    obs = np.zeros((2, bundle.contract.obs_dim), np.float32)
    assert [runner.infer(stamp, obs).steps for stamp in (0.0, 0.4)] == [20, 11]


@pytest.mark.parametrize("engine", ["reference", "openvino", "auto"])
def test_who_is_given_up_is_gone_without_the_collector(engine):
    def used():
        bundle = random_bundle(0)
        runner = PolicyRunner(bundle, mask_source="uniform10", engine=engine)
        runner.infer_observation(observation(bundle))
        return runner, bundle

    used()  # what numba compiles leaves cycles behind
    gc.collect()
    gc.disable()
    try:
        runner, bundle = used()
        gone = weakref.ref(runner), weakref.ref(bundle)
        del runner, bundle
        assert [reference() for reference in gone] == [None, None]
    finally:
        gc.enable()
