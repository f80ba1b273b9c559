"""The kernel of engine persistent on the CPU, in Triton's interpreter; speed is another matter."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from deviation import relative_error
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

pytest.importorskip("triton")

from sag_ros.engines.persistent.engine import PersistentEngine
from sag_ros.engines.reference import ReferenceEngine
from sag_ros.engines.registry import build_engine_for
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.policy.samplers import Segments, build_sampler, build_table
from sag_ros.pruning.plan import cache_slots, make_plan
from sag_ros.pruning.static_masks import dense_mask, random_mask, uniform_mask
from sag_ros.values import Mask

STEPS = 4
# As in test_agreement: far above the rounding of a format, f32 far below one wrong residual.
BOUNDS = {"f32": 1e-4, "f16": 6e-3, "bf16": 6e-2}
SHAPES = {
    "small": {},
    "one layer, head and frame": {"network": {"layers": 1, "heads": 1, "width": 16}, "observation_steps": 1},
    "four heads": {"network": {"layers": 3, "heads": 4, "width": 64}},
    "many frames": {"horizon": 12, "observation_steps": 4, "action_steps": 5},
    "many tokens": {"horizon": 20, "observation_steps": 3, "action_steps": 18},
    "no clipping": {"diffusion": {"clip_sample": False}},
}


def make_policy(**changes):
    diffusion = {"steps": STEPS, **changes.pop("diffusion", {})}
    return random_bundle(7, diffusion=diffusion, **changes)


def make_table(bundle, sampler="ddpm"):
    return build_table(sampler, STEPS, bundle.contract.clip)


def on_cpu(bundle, table, precision="f32"):
    return PersistentEngine(bundle, table, precision, device="cpu")


@pytest.fixture(scope="module")
def policy():
    return make_policy()


@pytest.fixture(scope="module")
def pair(policy):
    table = make_table(policy)
    return on_cpu(policy, table), ReferenceEngine(policy, table)


def all_but_first(steps, blocks, reuse, source=None):
    pruned = np.ones((steps, blocks), np.bool_)
    pruned[0, : cache_slots(blocks, reuse)] = False
    return Mask(pruned, source)


def plans(steps, blocks):
    yield "dense", make_plan(dense_mask(steps, blocks))
    for reuse in ("type", "block"):
        yield f"all pruned {reuse}", make_plan(all_but_first(steps, blocks, reuse), reuse)
        yield f"uniform {reuse}", make_plan(uniform_mask(steps, blocks, 3), reuse)
        yield f"random {reuse}", make_plan(random_mask(steps, blocks, 0.3, 0, reuse), reuse)
    yield "random gate", make_plan(random_mask(steps, blocks, 0.3, 1, "gate"), "gate")
    source = np.random.default_rng(0).random((steps, blocks)) < 0.5
    yield "idle gate", make_plan(all_but_first(steps, blocks, "gate", source), "gate")


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_agrees_with_the_reference(draw, shape):
    bundle = make_policy(**SHAPES[shape])
    table = make_table(bundle)
    engine, reference = on_cpu(bundle, table), ReferenceEngine(bundle, table)
    assert engine.tokens == bundle.contract.executed.stop
    for seed, (label, plan) in enumerate(plans(STEPS, bundle.contract.blocks)):
        obs, noise = draw(bundle, table, seed)
        engine.poison()
        error = relative_error(engine.denoise(obs, plan, noise), reference.denoise(obs, plan, noise))
        assert error < BOUNDS["f32"], label


@pytest.mark.parametrize("precision", ["bf16", "f16"])
def test_short_formats(policy, draw, precision):
    table = make_table(policy)
    engine, reference = on_cpu(policy, table, precision), ReferenceEngine(policy, table)
    for seed, (label, plan) in enumerate(plans(STEPS, policy.contract.blocks)):
        obs, noise = draw(policy, table, seed)
        engine.poison()
        error = relative_error(engine.denoise(obs, plan, noise), reference.denoise(obs, plan, noise))
        assert 1e-5 < error < BOUNDS[precision], label


@pytest.mark.parametrize("sampler", ["ddim", "ddim2", "cm1", "streaming"])
def test_samplers(draw, sampler):
    bundle = make_policy(horizon=17)
    table = Segments(STEPS, 17, 2, 8).table() if sampler == "streaming" else make_table(bundle, sampler)
    engine, reference = on_cpu(bundle, table), ReferenceEngine(bundle, table)
    assert engine.sizes.PER_TOKEN is table.per_token
    for seed, reuse in enumerate(("type", "block")):
        obs, noise = draw(bundle, table, seed)
        plan = make_plan(random_mask(len(table), bundle.contract.blocks, 0.3, seed, reuse), reuse)
        error = relative_error(engine.denoise(obs, plan, noise), reference.denoise(obs, plan, noise))
        assert error < BOUNDS["f32"]


@settings(max_examples=12, deadline=None)
@given(data=st.data(), reuse=st.sampled_from(["type", "block", "gate"]), seed=st.integers(0, 1000))
def test_any_mask(policy, pair, data, reuse, seed):
    engine, reference = pair
    blocks = policy.contract.blocks
    pruned = data.draw(arrays(np.bool_, (STEPS, blocks)))
    pruned[0, : cache_slots(blocks, reuse)] = False
    source = data.draw(arrays(np.bool_, (STEPS, blocks))) if reuse == "gate" else None
    plan = make_plan(Mask(pruned, source), reuse)
    rng, config = np.random.default_rng(seed), policy.dpt.config
    obs = rng.standard_normal((config.obs_steps, config.obs_dim), dtype=np.float32)
    noise = rng.standard_normal((STEPS + 1, config.horizon, config.action_dim), dtype=np.float32)
    engine.poison()
    error = relative_error(engine.denoise(obs, plan, noise), reference.denoise(obs, plan, noise))
    assert error < BOUNDS["f32"]


def test_two_runs_are_alike_to_the_bit(policy, pair, draw):
    obs, noise = draw(policy, make_table(policy))
    plan = make_plan(random_mask(STEPS, policy.contract.blocks, 0.4, 0))
    first = pair[0].denoise(obs, plan, noise)
    pair[0].poison()
    np.testing.assert_array_equal(pair[0].denoise(obs, plan, noise), first)


@pytest.mark.parametrize("where", ["features", "noise"])
def test_not_a_number_reaches_the_output_and_not_the_next_chunk(policy, pair, draw, where):
    obs, noise = draw(policy, make_table(policy))
    plan = make_plan(random_mask(STEPS, policy.contract.blocks, 0.4, 0))
    expected = pair[0].denoise(obs, plan, noise)
    bad = obs.copy(), noise.copy()
    bad[where == "noise"][0, 0] = np.nan
    assert np.isnan(pair[0].denoise(bad[0], plan, bad[1])).any()
    np.testing.assert_array_equal(pair[0].denoise(obs, plan, noise), expected)


@pytest.mark.parametrize(("precision", "bound"), [("f32", 1e-5), ("f16", 1e-3), ("bf16", 1e-2)])
def test_residuals(draw, precision, bound):
    """Of every block alone, against the network in float64."""
    bundle = make_policy(network={"layers": 2, "heads": 4, "width": 64})
    table, config = make_table(bundle), bundle.dpt.config
    engine = on_cpu(bundle, table, precision)
    obs, _ = draw(bundle, table)
    h = np.random.default_rng(1).standard_normal((engine.tokens, config.width), dtype=np.float32) + 0.5
    network = random_bundle(7, diffusion={"steps": STEPS}, network={"layers": 2, "heads": 4, "width": 64}).dpt
    network = network.double()
    stream = torch.from_numpy(h).double()[None]
    for step in (0, STEPS - 1):
        with torch.no_grad():
            memory = network.memory(int(table.timesteps[step]), torch.from_numpy(obs).double()[None])
        for block in range(config.blocks):
            engine.poison()
            got = engine.residual(block, step, obs, h)
            with torch.no_grad():
                expected = network.block(stream, memory, block)[0].numpy()
            expected -= expected.mean(axis=1, keepdims=True)
            assert relative_error(got, expected.astype(np.float32)) < bound, (step, block)


def test_a_chunk_can_begin_later_and_be_traced(policy, pair, draw):
    engine, reference = pair
    obs, noise = draw(policy, make_table(policy))
    blocks = policy.contract.blocks
    pruned = np.ones((STEPS, blocks), np.bool_)
    pruned[::2, :3] = False
    for plan in (make_plan(Mask(pruned)), make_plan(dense_mask(STEPS, blocks), "block")):
        for first in (0, 2):
            shapes = ((STEPS + 1, tokens, noise.shape[2]) for tokens in (engine.tokens, reference.tokens))
            traces = [np.full(shape, np.nan, np.float32) for shape in shapes]
            engine.poison()
            got = engine.denoise(obs, plan, noise, first, traces[0])
            expected = reference.denoise(obs, plan, noise, first, traces[1])
            assert relative_error(got, expected) < BOUNDS["f32"]
            assert np.isnan(traces[0][:first]).all()
            np.testing.assert_array_equal(traces[0][-1, policy.contract.executed], got)
            np.testing.assert_allclose(traces[0], traces[1][:, : engine.tokens], atol=1e-3)
            np.testing.assert_array_equal(engine.denoise(obs, plan, noise, first), got)


def test_all_tokens(draw):
    bundle = make_policy(horizon=17)
    table = make_table(bundle)
    sampler = build_sampler("falcon", bundle.contract)
    engine = build_engine_for("persistent", bundle, sampler, precision="f32", device="cpu")
    reference = ReferenceEngine(bundle, table)
    assert (engine.tokens, engine.name, engine.precision) == (17, "persistent", "f32")
    obs, noise = draw(bundle, table)
    plan = make_plan(random_mask(STEPS, bundle.contract.blocks, 0.3, 0))
    ours, theirs = (np.empty((STEPS + 1, 17, 8), np.float32) for _ in range(2))
    engine.denoise(obs, plan, noise, 0, ours)
    reference.denoise(obs, plan, noise, 0, theirs)
    assert relative_error(ours, theirs) < BOUNDS["f32"]


def test_estimates(policy, pair, draw):
    engine, reference = pair
    obs, noise = draw(policy, make_table(policy))
    for step in range(STEPS):
        engine.poison()
        expected = reference.estimate(obs, 0.3 * noise[0], step)[: engine.tokens]
        np.testing.assert_allclose(engine.estimate(obs, 0.3 * noise[0], step), expected, atol=1e-4)


def test_refusals(policy, pair, draw):
    table = make_table(policy)
    obs, noise = draw(policy, table)
    plan = make_plan(uniform_mask(STEPS, policy.contract.blocks, 3))
    with pytest.raises(ValueError, match="first_step is 1, but the plan reuses"):
        pair[0].denoise(obs, plan, noise, 1)
    with pytest.raises(ValueError, match="features have shape"):
        pair[0].denoise(obs[:1], plan, noise)
    with pytest.raises(ValueError, match="2 parts need a GPU"):
        PersistentEngine(policy, table, device="cpu", parts=2)
    with pytest.raises(ValueError, match="tiles of 24 columns do not share 128 hidden columns"):
        PersistentEngine(policy, table, device="cpu", tile=24)
    with pytest.raises(ValueError, match="precision 'int8' is not available"):
        PersistentEngine(policy, table, "int8", device="cpu")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": {"width": 48, "heads": 2}}, "width 48 and 2 heads"),
        ({"network": {"width": 48, "heads": 3}}, "powers of two"),
        ({"network": {"width": 32, "heads": 4}}, "heads of at least 16 columns, the policy has 32 / 4 = 8"),
        ({"network": {"width": 512, "heads": 4}}, "at most 256 width, the policy has 512"),
        ({"network": {"cond_layers": 1}}, "token-wise"),
        ({"horizon": 40, "action_steps": 32}, "at most 32 tokens to compute, the policy has 33"),
        ({"horizon": 50, "observation_steps": 32, "action_steps": 1}, "at most 64 rows of memory"),
    ],
)
def test_policies_it_cannot_run(changes, message):
    bundle = make_policy(**changes)
    with pytest.raises(ValueError, match=message) as refused:
        on_cpu(bundle, make_table(bundle))
    assert "use engine" in str(refused.value)


def test_the_cpu_takes_the_interpreter():
    environment = {key: value for key, value in os.environ.items() if key != "TRITON_INTERPRET"}
    code = (
        "from sag_ros.engines.persistent.engine import PersistentEngine\n"
        "from sag_ros.policy.random_bundle import random_bundle\n"
        "from sag_ros.policy.samplers import build_table\n"
        "PersistentEngine(random_bundle(0), build_table('ddpm', 10), device='cpu')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "set TRITON_INTERPRET=1" in done.stderr
