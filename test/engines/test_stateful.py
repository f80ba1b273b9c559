"""What samplers with a state ask of an engine: a later first step, the samples between steps, estimates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sag_ros.engines.cuda_graph.engine import CudaGraphEngine
from sag_ros.engines.native.engine import NativeEngine
from sag_ros.engines.reference import ReferenceEngine
from sag_ros.engines.registry import build_engine, build_engine_for
from sag_ros.engines.savings.switches import Savings
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.policy.samplers import Segments, build_sampler, build_table
from sag_ros.pruning.plan import cache_slots, make_plan
from sag_ros.pruning.static_masks import dense_mask, random_mask, uniform_mask
from sag_ros.values import Mask

STEPS = 8
WHOLE = Savings.without("trailing_tokens")


@pytest.fixture(scope="module")
def policy():
    return random_bundle(5, horizon=17, diffusion={"steps": STEPS})


@pytest.fixture(scope="module")
def tables():
    return {
        "ddpm": build_table("ddpm", STEPS),
        "ddim": build_table("ddim4", STEPS),
        "streaming": Segments(STEPS, 17, 2, 8).table(),
    }


@pytest.fixture(scope="module")
def engines(policy, tables):
    return {
        name: (
            ReferenceEngine(policy, table),
            CudaGraphEngine(policy, table, "f32", "cpu"),
            CudaGraphEngine(policy, table, "f32", "cpu", all_tokens=True),
            NativeEngine(policy, table, "f32"),
            NativeEngine(policy, table, "f32", WHOLE),
            NativeEngine(policy, table, "f32", Savings.none()),
        )
        for name, table in tables.items()
    }


def draws(bundle, steps, seed):
    rng, config = np.random.default_rng(seed), bundle.dpt.config
    obs = rng.standard_normal((config.obs_steps, config.obs_dim), dtype=np.float32)
    return obs, rng.standard_normal((steps + 1, config.horizon, config.action_dim), dtype=np.float32)


def traced(engine, obs, plan, noise, first):
    trace = np.full((len(noise), engine.tokens, noise.shape[2]), np.nan, np.float32)
    return engine.denoise(obs, plan, noise, first, trace), trace


@settings(max_examples=30, deadline=None)
@given(
    data=st.data(),
    sampler=st.sampled_from(["ddpm", "ddim", "streaming"]),
    reuse=st.sampled_from(["type", "block"]),
    seed=st.integers(0, 1000),
)
def test_any_mask_from_any_step(policy, tables, engines, data, sampler, reuse, seed):
    """Samples between the steps, too, and in idle stretches."""
    steps, blocks = len(tables[sampler]), policy.contract.blocks
    first = data.draw(st.integers(0, steps - 1))
    pruned = data.draw(arrays(np.bool_, (steps, blocks)))
    for step in {0, first}:
        pruned[step, : cache_slots(blocks, reuse)] = False
    if data.draw(st.booleans()):
        pruned[first + 1 :] = True  # idle to the end
    plan = make_plan(Mask(pruned), reuse)
    assert plan.starts()[first]
    obs, noise = draws(policy, steps, seed)
    reference, *natives = engines[sampler]
    expected, samples = traced(reference, obs, plan, noise, first)
    assert np.isnan(samples[:first]).all()
    np.testing.assert_array_equal(samples[first], noise[0])
    np.testing.assert_array_equal(samples[-1, policy.contract.executed], expected)
    scale = np.linalg.norm(samples[first:])
    for engine in natives:
        got, trace = traced(engine, obs, plan, noise, first)
        assert np.isnan(trace[:first]).all()
        assert np.linalg.norm(trace[first:] - samples[first:, : engine.tokens]) < 1e-4 * scale
        assert np.linalg.norm(got - expected) < 1e-4 * np.linalg.norm(expected)
        untraced = engine.denoise(obs, plan, noise, first)
        assert np.linalg.norm(untraced - expected) < 1e-4 * np.linalg.norm(expected)


def test_a_later_start_is_the_rest_of_the_whole(policy, tables, engines):
    """Beginning with a traced sample gives what followed it."""
    for sampler, (*pair, _, _) in engines.items():
        plan = make_plan(dense_mask(len(tables[sampler]), policy.contract.blocks))
        obs, noise = draws(policy, len(tables[sampler]), 0)
        for engine in pair:
            whole, trace = traced(engine, obs, plan, noise, 0)
            later = noise.copy()
            later[0] = 0.0
            later[0, : engine.tokens] = trace[3]
            np.testing.assert_allclose(engine.denoise(obs, plan, later, 3), whole, atol=1e-4)


def test_per_token_coefficients_differ_from_shared_ones(policy, engines):
    obs, noise = draws(policy, STEPS, 1)
    plan = make_plan(dense_mask(STEPS, policy.contract.blocks))
    for streaming, ddpm in zip(engines["streaming"], engines["ddpm"], strict=True):
        if streaming.tokens < 17:
            continue
        _, ours = traced(streaming, obs, plan, noise, 0)
        _, others = traced(ddpm, obs, plan, noise, 0)
        np.testing.assert_allclose(ours[:, :9], others[:, :9], atol=1e-4)  # causal, and the same levels
        assert np.abs(ours[-1, 9:] - others[-1, 9:]).min() > 1e-4
        np.testing.assert_array_equal(ours[STEPS // 2, 9:], noise[0, 9:])


@pytest.mark.parametrize("sampler", ["ddpm", "ddim", "streaming"])
def test_estimates(policy, tables, engines, sampler):
    table, (reference, *natives) = tables[sampler], engines[sampler]
    obs, noise = draws(policy, len(table), 2)
    sample = 0.3 * noise[0]
    from_step = reference.estimate(obs, sample, 2)
    assert np.abs(from_step).max() <= 1.0
    assert np.mean(np.abs(from_step) < 1.0) > 0.01
    if sampler == "ddpm":  # against the sampler's own step, whose noise is known
        plan = make_plan(dense_mask(len(table), policy.contract.blocks))
        later = noise.copy()
        later[0] = sample
        _, trace = traced(reference, obs, plan, later, 2)
        c = table.coefficients[2]
        np.testing.assert_allclose((trace[3] - c[3] * sample - c[5] * noise[3]) / c[2], from_step, atol=1e-4)
    for engine in natives:
        plan = make_plan(random_mask(len(table), policy.contract.blocks, 0.5, 0))
        before = engine.denoise(obs, plan, noise)
        for step in (0, 2, len(table) - 1):
            expected = reference.estimate(obs, sample, step)[: engine.tokens]
            np.testing.assert_allclose(engine.estimate(obs, sample, step), expected, atol=1e-4)
        np.testing.assert_array_equal(engine.denoise(obs, plan, noise), before)  # nothing is left over


def test_refusals(policy, engines):
    obs, noise = draws(policy, STEPS, 0)
    plan = make_plan(uniform_mask(STEPS, policy.contract.blocks, 3), "block")
    assert plan.starts().tolist() == [True, False, False] * 2 + [True, False]
    reference, *natives = engines["ddpm"]
    for engine in (reference, *natives):
        engine.denoise(obs, plan, noise, 3)
        with pytest.raises(ValueError, match=r"first_step is 4, but the plan reuses .* plan\.starts\(\)"):
            engine.denoise(obs, plan, noise, 4)
        with pytest.raises(ValueError, match="first_step is 8; the plan has steps 0 to 7"):
            engine.denoise(obs, plan, noise, 8)
        with pytest.raises(ValueError, match="first_step is -1"):
            engine.denoise(obs, plan, noise, -1)
        with pytest.raises(ValueError, match=r"trace is float64 .* float32 \(9, "):
            engine.denoise(obs, plan, noise, 0, np.zeros((9, engine.tokens, 8)))
        with pytest.raises(ValueError, match="trace is float32"):
            engine.denoise(obs, plan, noise, 0, np.zeros((8, engine.tokens, 8), np.float32))
        with pytest.raises(ValueError, match="step is 8"):
            engine.estimate(obs, noise[0], 8)
        with pytest.raises(ValueError, match="shapes"):
            engine.estimate(obs, noise[0, :3], 0)


def test_openvino_refuses(policy, tables):
    engine = build_engine("openvino", policy, tables["ddpm"])
    obs, noise = draws(policy, STEPS, 0)
    plan = make_plan(dense_mask(STEPS, policy.contract.blocks))
    trace = np.zeros((STEPS + 1, engine.tokens, 8), np.float32)
    for call in (
        lambda: engine.denoise(obs, plan, noise, 1),
        lambda: engine.denoise(obs, plan, noise, 0, trace),
        lambda: engine.estimate(obs, noise[0], 0),
    ):
        with pytest.raises(ValueError, match="use engine native or reference"):
            call()
    with pytest.raises(ValueError, match="sampler falcon keeps samples"):
        build_engine_for("openvino", policy, build_sampler("falcon", policy.contract))


def test_whole_horizon_where_the_sampler_needs_it(policy):
    for name, tokens in (("falcon", 17), ("ddpm", 9)):
        for kind, options in (("native", {}), ("cuda_graph", {"device": "cpu"})):
            sampler = build_sampler(name, policy.contract)
            engine = build_engine_for(kind, policy, sampler, precision="f32", **options)
            assert (engine.tokens, engine.precision) == (tokens, "f32")
