"""Programs of engine persistent that share the work of a block, each in a process of its own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.multiprocessing as multiprocessing
from deviation import relative_error

pytest.importorskip("triton")

import triton
import triton.language as tl

from sag_ros.engines.persistent import engine as persistent
from sag_ros.engines.persistent.engine import PersistentEngine
from sag_ros.engines.persistent.grid import sum_over_programs
from sag_ros.engines.persistent.launch import launch
from sag_ros.engines.reference import ReferenceEngine
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.policy.samplers import build_table
from sag_ros.pruning.plan import make_plan
from sag_ros.values import Mask

STEPS = 4
BOUND = 1e-4  # in f32: far below one wrong residual


@triton.jit
def sum_three(shares, partials, counter, out, PARTS: tl.constexpr, SUMMED: tl.constexpr):
    """Three sums one after the other of shares (3, PARTS, 16, 16), 9 of 16 rows of which count."""
    part = tl.program_id(0)
    tile = tl.arange(0, 16)[:, None] * 16 + tl.arange(0, 16)[None, :]
    for index in range(3):
        share = tl.load(shares + (index * PARTS + part) * 256 + tile)
        total = sum_over_programs(share, partials, counter, part, index, PARTS, SUMMED, 9, 16, 16)
        tl.store(out + (index * PARTS + part) * 256 + tile, total)


@pytest.mark.parametrize("summed", [2, 4])
def test_partial_sums_outlive_one_barrier(summed):
    """Who is late by one barrier still reads what was there before it. The counter begins high, so that
    nobody waits and each program passes all barriers in one go."""
    shares = torch.rand(3, 4, 16, 16)
    partials, out = torch.full((2, 4, 16, 16), torch.nan), torch.empty(3, 4, 16, 16)
    sum_three[(4,)](shares, partials, torch.full((1,), 1000, dtype=torch.int32), out, 4, summed)
    torch.testing.assert_close(partials[0, :summed, :9], shares[2, :summed, :9])
    torch.testing.assert_close(partials[1, :summed, :9], shares[1, :summed, :9])
    assert partials[:, :, 9:].isnan().all()
    assert partials[:, summed:].isnan().all()
    # The last program finds all shares of the last two sums in place.
    for index in (1, 2):
        torch.testing.assert_close(out[index, 3, :9], shares[index, :summed, :9].sum(dim=0))


@pytest.fixture
def in_processes(monkeypatch):
    """Run each program of a launch in a process of its own: the interpreter runs them one after the other,
    and they wait for each other."""

    def start(arrays, numbers, sizes, warps):
        for array in arrays:
            array.share_memory_()
        # Not forked from here: this process has threads, and a copy without them may crash.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([launch.__module__])
        programs = [
            context.Process(target=launch, args=(arrays, (*numbers[:-1], part), sizes, warps, 1))
            for part in range(sizes.PARTS)
        ]
        for program in programs:
            program.start()
        for program in programs:
            program.join(60)
        ended = [program.exitcode for program in programs]
        for program in programs:
            program.kill()
        assert ended == [0] * sizes.PARTS

    monkeypatch.setattr(persistent, "launch", start)
    monkeypatch.setattr(persistent, "require_interpreter", lambda device, parts: None)


@pytest.mark.parametrize(("parts", "heads"), [(2, 2), (4, 2), (2, 1)])
def test_parts(in_processes, draw, parts, heads):
    """Programs that share the work agree to the bit with each other, and with one that does it alone."""
    bundle = random_bundle(7, diffusion={"steps": STEPS}, network={"layers": 1, "heads": heads, "width": 32})
    table, blocks = build_table("ddpm", STEPS, bundle.contract.clip), bundle.contract.blocks
    engine = PersistentEngine(bundle, table, "f32", device="cpu", parts=parts)
    head_parts = engine.sizes.HEAD_PARTS
    assert head_parts == min(parts, heads)
    reference = ReferenceEngine(bundle, table)
    pruned = np.ones((STEPS, blocks), np.bool_)
    pruned[0], pruned[2, ::2] = False, False
    obs, noise = draw(bundle, table)
    plan = make_plan(Mask(pruned))
    for _ in range(2):
        engine.poison()
        error = relative_error(engine.denoise(obs, plan, noise), reference.denoise(obs, plan, noise))
        assert error < BOUND
        samples = engine._buffers._samples
        for part in range(1, parts):
            torch.testing.assert_close(samples[part], samples[0], rtol=0, atol=0)
