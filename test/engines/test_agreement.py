"""Every engine against the reference, mask by mask."""

from __future__ import annotations

import numpy as np
import pytest
from deviation import relative_error
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sag_ros.engines.native.microkernel import available_forms
from sag_ros.engines.reference import ReferenceEngine
from sag_ros.engines.registry import ENGINES, ON_GPU, build_engine
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.policy.samplers import build_table
from sag_ros.pruning.plan import cache_slots, make_plan
from sag_ros.pruning.static_masks import dense_mask, random_mask, uniform_mask
from sag_ros.values import Mask

WHOLE = [({"precision": "int16"}, 5e-3)] if "whole" in available_forms() else []
# The bound of f32 is far above its rounding (1e-6) and far below one wrong residual (1e-2).
OPTIONS = {
    "native": [({"precision": "f32"}, 1e-4), ({"precision": "bf16"}, 6e-2), *WHOLE],
    "openvino": [({"precision": "f32"}, 1e-4), ({"precision": "bf16"}, 6e-2), ({"precision": "int8"}, 0.2)],
    "cuda_graph": [
        ({"precision": p, "device": "cpu"}, bound)
        for p, bound in (("f32", 1e-4), ("bf16", 6e-2), ("f16", 2e-2))
    ],
}
# The others need libraries or stand-ins of their own and have their own tests.
NAMES = [name for name in sorted(ENGINES) if name in OPTIONS or name == "reference"]
CASES = [
    pytest.param(
        name,
        options,
        bound,
        id=f"{name}-{options['precision']}",
    )
    for name, variants in OPTIONS.items()
    for options, bound in variants
]
BLIND = {"cameras": {}, "encoder": None}
SHAPES = {
    "shipped": {},
    "short": {"horizon": 10, "observation_steps": 2, "action_steps": 8},
    "no tokens dropped": {"horizon": 6, "observation_steps": 1, "action_steps": 6},
    "many frames": {"horizon": 12, "observation_steps": 4, "action_steps": 5},
    "deep": {"network": {"layers": 5, "heads": 4, "width": 48}},
    "few steps": {"diffusion": {"steps": 2}, "network": {"layers": 1}},
    "one number seen": {**BLIND, "state": ["gripper_width"]},
    "three numbers seen": {**BLIND, "state": ["goal"], "signals": {"goal": {"size": 3, "unit": "m"}}},
    "no clipping": {"diffusion": {"steps": 4, "clip_sample": False}},
}


@pytest.fixture(scope="module", params=sorted(SHAPES))
def policy(request):
    return random_bundle(7, **SHAPES[request.param])


def build(name, bundle, table):
    """As users get it, but for GPU engines, which do the same operations on the CPU."""
    return build_engine(name, bundle, table, **({"device": "cpu"} if name in ON_GPU else {}))


def table_of(bundle, sampler="ddpm"):
    return build_table(sampler, bundle.contract.diffusion.steps, bundle.contract.clip)


def all_but_first(steps, blocks, reuse):
    pruned = np.ones((steps, blocks), np.bool_)
    pruned[0, : cache_slots(blocks, reuse)] = False
    return Mask(pruned)


def alternating(steps, blocks, reuse):
    pruned = (np.add.outer(np.arange(steps), np.arange(blocks)) % 2).astype(np.bool_)
    pruned[0, : cache_slots(blocks, reuse)] = False
    return Mask(pruned)


def one_type(steps, blocks, reuse):
    """Only cross-attention is ever refreshed."""
    pruned = np.ones((steps, blocks), np.bool_)
    pruned[:, 1::3] = False
    pruned[0, : cache_slots(blocks, reuse)] = False
    return Mask(pruned)


def masks(steps, blocks, reuse):
    if reuse == "gate":
        source = np.random.default_rng(0).random((steps, blocks)) < 0.5
        source[steps // 2 :] = source[steps // 2]
        yield "idle", Mask(all_but_first(steps, blocks, reuse).pruned, source)
        yield "random", random_mask(steps, blocks, 0.3, 0, reuse)
        return
    yield "dense", dense_mask(steps, blocks)
    yield "all pruned", all_but_first(steps, blocks, reuse)
    yield "alternating", alternating(steps, blocks, reuse)
    yield "one type", one_type(steps, blocks, reuse)
    yield "uniform", uniform_mask(steps, blocks, 3)
    for seed, density in enumerate((0.05, 0.2, 0.6)):
        yield f"random {density}", random_mask(steps, blocks, density, seed, reuse)


@pytest.mark.parametrize(("name", "options", "bound"), CASES)
def test_masks_and_shapes(policy, draw, name, options, bound):
    table = table_of(policy)
    engine, reference = build_engine(name, policy, table, **options), ReferenceEngine(policy, table)
    blocks = policy.contract.blocks
    # All rules on one engine, in turns: nothing may be left over from the chunk before.
    for reuse in ("type", "block", "gate", "type"):
        for seed, (label, mask) in enumerate(masks(len(table), blocks, reuse)):
            obs, noise = draw(policy, table, seed)
            plan = make_plan(mask, reuse)
            expected = reference.denoise(obs, plan, noise)
            assert expected.shape == (policy.contract.action_steps, policy.contract.action_dim)
            error = relative_error(engine.denoise(obs, plan, noise), expected)
            assert error < bound, f"{reuse}, {label}"


@pytest.mark.parametrize(("name", "options", "bound"), CASES)
@pytest.mark.parametrize("sampler", ["ddim", "ddim4", "cm1", "cm3"])
def test_other_samplers(bundle, draw, name, options, bound, sampler):
    table = table_of(bundle, sampler)
    engine, reference = build_engine(name, bundle, table, **options), ReferenceEngine(bundle, table)
    for seed in range(3):
        obs, noise = draw(bundle, table, seed)
        plan = make_plan(random_mask(len(table), bundle.contract.blocks, 0.3, seed))
        assert relative_error(engine.denoise(obs, plan, noise), reference.denoise(obs, plan, noise)) < bound


@pytest.fixture(scope="module")
def pairs():
    bundle = random_bundle(2, diffusion={"steps": 4})
    table = table_of(bundle)
    engines = {name: build_engine(name, bundle, table, **options) for name, options, bound in
               (case.values for case in CASES) if bound <= 1e-4}  # fmt: skip
    return bundle, table, ReferenceEngine(bundle, table), engines


@settings(max_examples=40, deadline=None)
@given(data=st.data(), reuse=st.sampled_from(["type", "block", "gate"]), seed=st.integers(0, 1000))
def test_any_mask(pairs, data, reuse, seed):
    bundle, table, reference, engines = pairs
    blocks = bundle.contract.blocks
    pruned = data.draw(arrays(np.bool_, (len(table), blocks)))
    pruned[0, : cache_slots(blocks, reuse)] = False
    # Rows that repeat: idle stretches in which the reads change, and others in which they do not.
    source = data.draw(arrays(np.bool_, (len(table), 1))) if data.draw(st.booleans()) else None
    if reuse == "gate":
        source = data.draw(arrays(np.bool_, pruned.shape)) if source is None else source.repeat(blocks, 1)
    plan = make_plan(Mask(pruned, source if reuse == "gate" else None), reuse)
    rng = np.random.default_rng(seed)
    config = bundle.dpt.config
    obs = rng.standard_normal((config.obs_steps, config.obs_dim), dtype=np.float32)
    noise = rng.standard_normal((len(table) + 1, config.horizon, config.action_dim), dtype=np.float32)
    expected = reference.denoise(obs, plan, noise)
    for engine in engines.values():
        assert relative_error(engine.denoise(obs, plan, noise), expected) < 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_result_depends_on_everything_it_should(bundle, draw, name):
    table = table_of(bundle)
    engine = build(name, bundle, table)
    obs, noise = draw(bundle, table)
    plan = make_plan(random_mask(len(table), bundle.contract.blocks, 0.4, 0))
    first = engine.denoise(obs, plan, noise)
    assert np.array_equal(first, engine.denoise(obs, plan, noise))
    other_plan = make_plan(random_mask(len(table), bundle.contract.blocks, 0.4, 1))
    assert np.abs(engine.denoise(obs, other_plan, noise) - first).max() > 1e-3
    assert np.abs(engine.denoise(obs + 1.0, plan, noise) - first).max() > 1e-3
    changed = noise.copy()
    changed[3] += 1.0
    assert np.abs(engine.denoise(obs, plan, changed) - first).max() > 1e-3


@pytest.mark.parametrize("name", NAMES)
def test_noise_behind_the_executed_tokens_does_not_matter(bundle, draw, name):
    """Noise comes at the full horizon; the network is causal."""
    table = table_of(bundle)
    engine = build(name, bundle, table)
    obs, noise = draw(bundle, table)
    plan = make_plan(random_mask(len(table), bundle.contract.blocks, 0.4, 0))
    changed = noise.copy()
    changed[:, bundle.contract.executed.stop :] += 1.0
    got, expected = engine.denoise(obs, plan, changed), engine.denoise(obs, plan, noise)
    np.testing.assert_allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_arguments_are_not_modified(bundle, draw, name):
    table = table_of(bundle)
    obs, noise = draw(bundle, table)
    before = obs.copy(), noise.copy()
    for array in (obs, noise):
        array.setflags(write=False)
    build(name, bundle, table).denoise(obs, make_plan(dense_mask(len(table), bundle.contract.blocks)), noise)
    assert np.array_equal(obs, before[0])
    assert np.array_equal(noise, before[1])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("where", ["features", "noise"])
def test_not_a_number_is_not_lost(bundle, draw, name, where):
    """Whoever receives the chunk refuses it; a clipped number would look like an action."""
    table = table_of(bundle)
    obs, noise = draw(bundle, table)
    (obs if where == "features" else noise[0]).fill(np.nan)
    plan = make_plan(random_mask(len(table), bundle.contract.blocks, 0.4, 0))
    assert np.isnan(build(name, bundle, table).denoise(obs, plan, noise)).any()


@pytest.mark.parametrize("name", NAMES)
def test_wrong_shapes_are_refused(bundle, draw, name):
    table = table_of(bundle)
    engine = build(name, bundle, table)
    steps, blocks = len(table), bundle.contract.blocks
    obs, noise = draw(bundle, table)
    plan = make_plan(dense_mask(steps, blocks))
    with pytest.raises(ValueError, match="features have shape"):
        engine.denoise(obs[:1], plan, noise)
    with pytest.raises(ValueError, match="noise has shape"):
        engine.denoise(obs, plan, noise[:, :9])
    with pytest.raises(ValueError, match="the plan has"):
        engine.denoise(obs, make_plan(dense_mask(steps, blocks + 3)), noise)
    with pytest.raises(ValueError, match="the plan has"):
        engine.denoise(obs, make_plan(dense_mask(steps - 1, blocks)), noise)


def test_shipped_size(draw):
    """Libraries choose other kernels at other sizes."""
    bundle = random_bundle(0, "full")
    table = table_of(bundle)
    mask = random_mask(len(table), bundle.contract.blocks, 0.04, 0)
    mask.pruned[50] = False
    plan = make_plan(mask)
    obs, noise = draw(bundle, table)
    expected = ReferenceEngine(bundle, table).denoise(obs, plan, noise)
    for name, options, bound in (case.values for case in CASES):
        engine = build_engine(name, bundle, table, **options)
        assert relative_error(engine.denoise(obs, plan, noise), expected) < bound


@pytest.mark.parametrize(("width", "layers"), [(256, 4), (256, 12), (512, 4), (768, 2)])
def test_published_sizes(draw, width, layers):
    """Few steps, and few layers where they are wide, since compiling takes long."""
    network = {"layers": layers, "heads": 4, "width": width}
    for horizon, frames, actions in ((9, 2, 8), (16, 4, 8)):
        bundle = random_bundle(
            0, network=network, horizon=horizon, observation_steps=frames, action_steps=actions,
            diffusion={"steps": 3},
        )  # fmt: skip
        table = table_of(bundle)
        plan = make_plan(random_mask(3, bundle.contract.blocks, 0.4, 0))
        obs, noise = draw(bundle, table)
        expected = ReferenceEngine(bundle, table).denoise(obs, plan, noise)
        for name, variants in OPTIONS.items():
            engine = build_engine(name, bundle, table, **variants[0][0])
            assert relative_error(engine.denoise(obs, plan, noise), expected) < 1e-5


@pytest.mark.parametrize("steps", [10, 16, 30, 50, 100])
def test_published_numbers_of_steps(draw, steps):
    bundle = random_bundle(0, diffusion={"steps": steps})
    table = table_of(bundle)
    plan = make_plan(random_mask(steps, bundle.contract.blocks, 0.2, 0))
    obs, noise = draw(bundle, table)
    expected = ReferenceEngine(bundle, table).denoise(obs, plan, noise)
    for name, variants in OPTIONS.items():
        engine = build_engine(name, bundle, table, **variants[0][0])
        assert relative_error(engine.denoise(obs, plan, noise), expected) < 1e-5
