"""Engine cuda_graph with kernels of our own between the products, in Triton's interpreter."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from deviation import relative_error
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

pytest.importorskip("triton")

from sag_ros.engines.cuda_graph import engine as cuda_graph
from sag_ros.engines.cuda_graph.engine import CudaGraphEngine, fusion_obstacle
from sag_ros.engines.reference import ReferenceEngine
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.policy.samplers import Segments, build_table
from sag_ros.pruning.plan import cache_slots, make_plan
from sag_ros.pruning.static_masks import dense_mask, random_mask, uniform_mask
from sag_ros.values import Mask

STEPS = 5
BOUNDS = {"f32": 1e-4, "f16": 6e-3, "bf16": 6e-2}


def make_policy(**changes):
    return random_bundle(7, diffusion={"steps": STEPS}, **changes)


def fused(bundle, table, precision="f32", **options):
    return CudaGraphEngine(bundle, table, precision, "cpu", fused=True, **options)


@pytest.fixture(scope="module")
def pair():
    bundle = make_policy()
    table = build_table("ddpm", STEPS, bundle.contract.clip)
    return bundle, fused(bundle, table), ReferenceEngine(bundle, table)


@pytest.mark.parametrize("precision", BOUNDS)
@pytest.mark.parametrize(
    "shape",
    [
        {},
        {"network": {"layers": 3, "heads": 4, "width": 64}, "observation_steps": 3},
        {"horizon": 20, "observation_steps": 1, "action_steps": 18},
    ],
    ids=["small", "four heads", "many tokens"],
)
def test_agrees_with_the_reference(draw, shape, precision):
    bundle = make_policy(**shape)
    table = build_table("ddpm", STEPS, bundle.contract.clip)
    engine, reference = fused(bundle, table, precision), ReferenceEngine(bundle, table)
    blocks = bundle.contract.blocks
    for seed, plan in enumerate(
        (
            make_plan(dense_mask(STEPS, blocks)),
            make_plan(random_mask(STEPS, blocks, 0.0, 0)),
            make_plan(uniform_mask(STEPS, blocks, 3), "block"),
            make_plan(random_mask(STEPS, blocks, 0.3, 0, "gate"), "gate"),
            make_plan(random_mask(STEPS, blocks, 0.3, 0)),
        )
    ):
        obs, noise = draw(bundle, table, seed)
        engine.poison()
        got = engine.denoise(obs, plan, noise)
        assert relative_error(got, reference.denoise(obs, plan, noise)) < BOUNDS[precision]
        np.testing.assert_array_equal(got, engine.denoise(obs, plan, noise))


@settings(max_examples=15, deadline=None)
@given(data=st.data(), reuse=st.sampled_from(["type", "block", "gate"]), seed=st.integers(0, 1000))
def test_any_mask_from_any_step(pair, draw_any, data, reuse, seed):
    bundle, engine, reference = pair
    blocks = bundle.contract.blocks
    pruned = data.draw(arrays(np.bool_, (STEPS, blocks)))
    first = data.draw(st.integers(0, STEPS - 1)) if reuse != "gate" else 0
    for step in {0, first}:
        pruned[step, : cache_slots(blocks, reuse)] = False
    source = data.draw(arrays(np.bool_, pruned.shape)) if reuse == "gate" else None
    plan = make_plan(Mask(pruned, source), reuse)
    obs, noise = draw_any(bundle, STEPS, seed)
    trace, samples = (
        np.zeros((STEPS + 1, one.tokens, noise.shape[2]), np.float32) for one in (engine, reference)
    )
    got = engine.denoise(obs, plan, noise, first, trace)
    assert relative_error(got, reference.denoise(obs, plan, noise, first, samples)) < 1e-4
    assert relative_error(trace, samples[:, : engine.tokens]) < 1e-4


@pytest.fixture(scope="module")
def draw_any():
    def function(bundle, steps, seed):
        rng, config = np.random.default_rng(seed), bundle.dpt.config
        obs = rng.standard_normal((config.obs_steps, config.obs_dim), dtype=np.float32)
        return obs, rng.standard_normal((steps + 1, config.horizon, config.action_dim), dtype=np.float32)

    return function


def test_coefficients_of_each_token_and_estimates(draw_any):
    bundle = random_bundle(5, horizon=17, diffusion={"steps": 8})
    table = Segments(8, 17, 2, 8).table()
    engine, reference = fused(bundle, table, all_tokens=True), ReferenceEngine(bundle, table)
    plan = make_plan(random_mask(8, bundle.contract.blocks, 0.4, 0))
    obs, noise = draw_any(bundle, 8, 0)
    assert relative_error(engine.denoise(obs, plan, noise), reference.denoise(obs, plan, noise)) < 1e-4
    for step in (0, 5, 7):
        expected = reference.estimate(obs, 0.3 * noise[0], step)
        np.testing.assert_allclose(engine.estimate(obs, 0.3 * noise[0], step), expected, atol=1e-4)


def test_not_a_number_is_not_lost_and_not_kept(pair, draw_any):
    bundle, engine, _ = pair
    obs, noise = draw_any(bundle, STEPS, 0)
    for mask, reuse in ((random_mask(STEPS, bundle.contract.blocks, 0.3, 0), "type"),
                        (uniform_mask(STEPS, bundle.contract.blocks, 2), "block")):  # fmt: skip
        plan = make_plan(mask, reuse)
        expected = engine.denoise(obs, plan, noise)
        assert np.isnan(engine.denoise(np.full_like(obs, np.nan), plan, noise)).all()
        assert np.isnan(engine.denoise(obs, plan, np.full_like(noise, np.nan))).all()
        np.testing.assert_array_equal(engine.denoise(obs, plan, noise), expected)


def test_fusion_is_a_matter_of_sizes_and_of_triton(monkeypatch):
    bundle, wide = make_policy(), make_policy(network={"layers": 1, "heads": 4, "width": 96})
    assert fusion_obstacle(bundle.contract) is None
    assert "width 96" in fusion_obstacle(wide.contract)
    table = build_table("ddpm", STEPS)
    assert not CudaGraphEngine(wide, table, "f32", "cpu").fused
    with pytest.raises(ValueError, match="width 96"):
        fused(wide, table)
    monkeypatch.setattr(cuda_graph.importlib.util, "find_spec", lambda name: None)
    assert "triton is missing" in fusion_obstacle(bundle.contract)


COMPILES = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from sag_ros.engines.cuda_graph import fused_kernels as kernels

f = "*fp32"
size = dict(TOKENS=9, BT=16, WIDTH=256, SLOTS=3)
sample = dict(ACTIONS=8, AP=16, PER_TOKEN=False, PRODUCTS="tf32x3")
memory = dict(STEPS=100, HEADS=4, FRAMES=2, MEMORY=4, PRODUCTS="tf32x3")
entering = dict(counters="*i64", table=f, cache=f, h=f)
ending = dict(entering, x=f, constants=f, rows=f, noise=f, samples=f)
for kernel, arguments, constants in (
    (kernels.enter, dict(entering, out="*bf16"), size),
    (
        kernels.enter_cross_attention,
        dict(entering, times=f, time_bias=f, frames=f, frame_bias=f, layer="i32", out=f),
        dict(size, **memory),
    ),
    (kernels.end_step, ending, dict(size, **sample)),
    (kernels.idle, ending, dict(size, **sample)),
):
    signature = dict(arguments, **dict.fromkeys(constants, "constexpr"))
    source = ASTSource(kernel, signature=signature, constexprs=constants)
    compiled = triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"num_warps": 8})
    assert compiled.metadata.shared < 48 * 1024, kernel
    assert compiled.asm["cubin"]
"""


def test_kernels_compile_for_a_gpu(tmp_path):
    """Which takes none."""
    environment = {key: value for key, value in os.environ.items() if key != "TRITON_INTERPRET"}
    environment["TRITON_CACHE_DIR"] = str(tmp_path)
    script = [sys.executable, "-c", COMPILES]
    done = subprocess.run(script, env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
