"""The kernel of engine ``persistent``: one launch executes all launches of a chunk (see ``launches``).

The stream (BT, d), the last residual and the sample (BT, AP) stay in registers. Weights, cached residuals and
tables are read through the caches of the GPU. Nothing is asked of the host in between.
"""

# Device code has no types in Python's sense.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import triton
import triton.language as tl

from sag_ros.engines.folded import NORM_EPSILON
from sag_ros.engines.launches import Kind
from sag_ros.engines.persistent_program import RECORD
from sag_ros.engines.triton_blocks import cross_attention, feed_forward, self_attention
from sag_ros.engines.triton_grid import sum_over_programs
from sag_ros.engines.triton_step import embed, finish, load_positions, skip, store_sample

# Device code sees only globals of this type.
SELF_ATTENTION = tl.constexpr(int(Kind.SELF_ATTENTION))
CROSS_ATTENTION = tl.constexpr(int(Kind.CROSS_ATTENTION))
STEP_END = tl.constexpr(int(Kind.STEP_END))
IDLE = tl.constexpr(int(Kind.IDLE))
FIELDS = tl.constexpr(RECORD)
EPSILON = tl.constexpr(NORM_EPSILON)

CHANGING = ["count", "entries", "first_step", "given", "first_part"]


@triton.jit
def read_record(record):
    """The fields of one record, see ``persistent_program``."""
    kind, layer, slot = tl.load(record), tl.load(record + 1), tl.load(record + 2)
    step, stop = tl.load(record + 3), tl.load(record + 4)
    entry, behind = tl.load(record + 5), tl.load(record + 6)
    return kind, layer, slot, step, stop, entry, behind, tl.load(record + 7).to(tl.float32, bitcast=True)


@triton.jit(do_not_specialize=CHANGING)
def chunk(
    program,
    noise,
    samples,
    stream,
    cache,
    partials,
    counter,
    weights,
    biases,
    times,
    time_bias,
    frames,
    frame_bias,
    constants,
    rows,
    count,
    entries,
    first_step,
    given,
    first_part,
    TOKENS: tl.constexpr,
    BT: tl.constexpr,
    WIDTH: tl.constexpr,
    HEADS: tl.constexpr,
    LAYERS: tl.constexpr,
    ACTIONS: tl.constexpr,
    AP: tl.constexpr,
    FRAMES: tl.constexpr,
    MEMORY: tl.constexpr,
    STEPS: tl.constexpr,
    PER_TOKEN: tl.constexpr,
    PARTS: tl.constexpr,
    HEAD_PARTS: tl.constexpr,
    TILE: tl.constexpr,
    ATTENTION_STAGES: tl.constexpr,
    STAGES: tl.constexpr,
    PRODUCTS: tl.constexpr,
):
    """Execute ``count`` records of ``program``; arrays as ``persistent_buffers`` makes them.

    Program p of the grid is part ``first_part + p`` of PARTS. The first sample is row 0 of ``noise``, the one
    before ``first_step``; with ``given`` the stream begins as ``stream`` (T', d) instead of its embedding.
    ``samples`` (PARTS, n + 1, T', A) is given the sample after each step.
    """
    part = first_part + tl.program_id(0)
    tokens = tl.arange(0, BT)
    columns = tl.arange(0, WIDTH)
    tile = tokens[:, None] * WIDTH + columns[None, :]
    real = (tokens < TOKENS)[:, None] & (columns < WIDTH)[None, :]
    actions = tl.arange(0, AP)
    cells = tokens[:, None] * ACTIONS + actions[None, :]
    samples += part * ((STEPS + 1) * TOKENS * ACTIONS)
    cache += part * (3 * LAYERS * BT * WIDTH)
    attention_size = 4 * WIDTH * WIDTH
    layer_size = 12 * WIDTH * WIDTH

    x = tl.load(noise + cells, (tokens < TOKENS)[:, None] & (actions < ACTIONS)[None, :], 0.0)
    store_sample(x, samples, first_step, TOKENS, BT, ACTIONS, AP)
    h = embed(x, constants, TOKENS, BT, WIDTH, ACTIONS, AP, PRODUCTS)
    if given != 0:
        h = tl.load(stream + tile, real, 0.0)
    last = tl.zeros((BT, WIDTH), tl.float32)
    sums = 0
    kind, layer, slot, step, stop, entry, behind, repeats = read_record(program)
    for index in tl.range(0, count, num_stages=1):
        # Asked for a launch ahead, so that nobody waits for it; the last one reads what is never used.
        kind_, layer_, slot_, step_, stop_, entry_, behind_, repeats_ = read_record(
            program + (index + 1) * FIELDS
        )
        if kind == IDLE:
            h = load_positions(constants, TOKENS, BT, WIDTH)
        h += repeats * last
        # Only what is to be added is read: other slots may hold anything.
        while entry < behind:
            place = program + entries + 2 * entry
            weight = tl.load(place + 1).to(tl.float32, bitcast=True)
            h += weight * tl.load(cache + tl.load(place) * (BT * WIDTH) + tile)
            entry += 1
        if kind < STEP_END:
            layer_weights = weights + layer.to(tl.int64) * layer_size
            layer_biases = biases + layer * (7 * WIDTH)
            if kind == SELF_ATTENTION:
                share = self_attention(
                    h, layer_weights, layer_biases, (part % HEAD_PARTS) * (HEADS // HEAD_PARTS), BT, WIDTH,
                    HEADS, HEADS // HEAD_PARTS, ATTENTION_STAGES, EPSILON, PRODUCTS,
                )  # fmt: skip
                last = sum_over_programs(
                    share, partials, counter, part, sums, PARTS, HEAD_PARTS, TOKENS, BT, WIDTH
                )
                last += tl.load(layer_biases + WIDTH + columns)[None, :]
                sums += 1
            elif kind == CROSS_ATTENTION:
                time = step.to(tl.int64) * LAYERS + layer
                last = cross_attention(
                    h, times + time * (2 * HEADS * WIDTH), time_bias + time * HEADS,
                    frames + layer * (2 * FRAMES * HEADS * WIDTH), frame_bias + layer * (FRAMES * HEADS),
                    BT, WIDTH, HEADS, FRAMES, MEMORY, EPSILON, PRODUCTS,
                )  # fmt: skip
            else:
                tiles: tl.constexpr = 4 * WIDTH // TILE // PARTS
                share = feed_forward(
                    h, layer_weights + attention_size, layer_biases + 2 * WIDTH, part * tiles, BT, WIDTH,
                    4 * WIDTH, TILE, tiles, STAGES, EPSILON, PRODUCTS,
                )  # fmt: skip
                last = sum_over_programs(
                    share, partials, counter, part, sums, PARTS, PARTS, TOKENS, BT, WIDTH
                )
                last += tl.load(layer_biases + 6 * WIDTH + columns)[None, :]
                sums += 1
            last = tl.where(real, last, 0.0)
            tl.store(cache + slot * (BT * WIDTH) + tile, last)
            tl.debug_barrier()  # other threads read it
        else:
            if kind == STEP_END:
                x = finish(
                    h, x, constants, rows, noise, step, TOKENS, BT, WIDTH, ACTIONS, AP, PER_TOKEN, EPSILON
                )
                store_sample(x, samples, step + 1, TOKENS, BT, ACTIONS, AP)
            else:
                x = skip(
                    h, x, constants, rows, noise, samples, step, stop, TOKENS, BT, WIDTH, ACTIONS, AP,
                    PER_TOKEN, EPSILON,
                )  # fmt: skip
            h = embed(x, constants, TOKENS, BT, WIDTH, ACTIONS, AP, PRODUCTS)
        kind, layer, slot, step, stop = kind_, layer_, slot_, step_, stop_
        entry, behind, repeats = entry_, behind_, repeats_
