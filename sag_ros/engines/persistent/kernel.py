"""The kernel of engine ``persistent``: one launch executes all launches of a chunk (see ``gpu.launches``).

The stream (BT, d), the last residual and the sample (BT, AP) stay in registers. Weights, cached residuals and
tables are read through the caches of the GPU. Nothing is asked of the host in between.
"""

# Device code has no types in Python's sense.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import triton
import triton.language as tl

from sag_ros.engines.gpu.launches import Kind
from sag_ros.engines.gpu.triton.blocks import cross_attention, feed_forward, self_attention
from sag_ros.engines.gpu.triton.step_tail import embed, finish, load_positions, skip, store_sample
from sag_ros.engines.persistent.grid import sum_over_programs
from sag_ros.engines.persistent.program import HEAD, RECORD
from sag_ros.engines.savings.folded_weights import NORM_EPSILON

# Device code sees only globals of this type.
SELF_ATTENTION = tl.constexpr(int(Kind.SELF_ATTENTION))
CROSS_ATTENTION = tl.constexpr(int(Kind.CROSS_ATTENTION))
STEP_END = tl.constexpr(int(Kind.STEP_END))
IDLE = tl.constexpr(int(Kind.IDLE))
FIELDS = tl.constexpr(RECORD)
NEAR_AT = tl.constexpr(HEAD)
EPSILON = tl.constexpr(NORM_EPSILON)

CHANGING = ["count", "entries", "first_step", "given", "first_part"]


@triton.jit
def add_entries(h, place, cache, BT: tl.constexpr, WIDTH: tl.constexpr):
    """``h`` (BT, d) plus what the four entries at ``place`` say of ``cache``; all are asked for at once.

    Slots of weight 0 are not read: they may hold anything.
    """
    tile = tl.arange(0, BT)[:, None] * WIDTH + tl.arange(0, WIDTH)[None, :]
    weights = place.to(tl.pointer_type(tl.float32)) + 1
    w0, w1, w2, w3 = tl.load(weights), tl.load(weights + 2), tl.load(weights + 4), tl.load(weights + 6)
    s0, s1, s2, s3 = tl.load(place), tl.load(place + 2), tl.load(place + 4), tl.load(place + 6)
    r0 = tl.load(cache + s0 * (BT * WIDTH) + tile, w0 != 0.0, 0.0)
    r1 = tl.load(cache + s1 * (BT * WIDTH) + tile, w1 != 0.0, 0.0)
    r2 = tl.load(cache + s2 * (BT * WIDTH) + tile, w2 != 0.0, 0.0)
    r3 = tl.load(cache + s3 * (BT * WIDTH) + tile, w3 != 0.0, 0.0)
    return h + ((w0 * r0 + w1 * r1) + (w2 * r2 + w3 * r3))


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
    """Execute ``count`` records of ``program``; arrays as ``buffers`` makes them.

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
    kind = tl.load(program)
    for index in tl.range(0, count, num_stages=1):
        record = program + index * FIELDS
        # A record ahead: what else is in it is then near by. Behind the last one nothing is used.
        next_kind = tl.load(record + FIELDS)
        layer, slot, step, stop = (
            tl.load(record + 1),
            tl.load(record + 2),
            tl.load(record + 3),
            tl.load(record + 4),
        )
        entry, behind = tl.load(record + 5), tl.load(record + 6)
        repeats = tl.load((record + 7).to(tl.pointer_type(tl.float32)))
        if kind == IDLE:
            h = load_positions(constants, TOKENS, BT, WIDTH)
        h += repeats * last
        if tl.load(record + NEAR_AT + 1) != 0:  # the bits of the first weight
            h = add_entries(h, record + NEAR_AT, cache, BT, WIDTH)
        while entry < behind:
            h = add_entries(h, program + entries + 2 * entry, cache, BT, WIDTH)
            entry += 4
        if kind < STEP_END:
            layer_weights = weights + layer.to(tl.int64) * layer_size
            layer_biases = biases + layer * (7 * WIDTH)
            if kind == SELF_ATTENTION:
                heads: tl.constexpr = HEADS // HEAD_PARTS
                # More programs than heads: some do the same, and one of them counts.
                mine = part if PARTS == HEAD_PARTS else part % HEAD_PARTS
                share = self_attention(
                    h, layer_weights, layer_biases, mine * heads, BT, WIDTH,
                    HEADS, heads, ATTENTION_STAGES, EPSILON, PRODUCTS,
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
        kind = next_kind
