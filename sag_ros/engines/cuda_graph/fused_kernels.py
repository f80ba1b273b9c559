"""What happens between the blocks of engine ``cuda_graph``, one kernel where torch needs five to fifteen.

Each kernel is one program that takes its weights' row and its step from counters (2,) int64 on the device and
moves them on. BT token rows of which T' count, d width; see ``blocks`` and ``step_tail`` in ``gpu.triton``.
"""

# Device code has no types in Python's sense.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import triton
import triton.language as tl

from sag_ros.engines.gpu.triton.blocks import cross_attention, normalise
from sag_ros.engines.gpu.triton.step_tail import embed, finish, load_positions, skip, store_sample
from sag_ros.engines.savings.folded_weights import NORM_EPSILON

EPSILON = tl.constexpr(NORM_EPSILON)


@triton.jit
def _add_cached(
    h, table, cache, entry, TOKENS: tl.constexpr, BT: tl.constexpr, WIDTH: tl.constexpr, SLOTS: tl.constexpr
):
    """``h`` (BT, d) plus what row ``entry`` of ``table`` (rows, slots + 1) says of cache (slots, T', d).

    Slots of weight 0 are not read: they may hold anything."""
    tokens = tl.arange(0, BT)[:, None]
    tile = tokens * WIDTH + tl.arange(0, WIDTH)[None, :]
    for slot in range(SLOTS):
        weight = tl.load(table + entry * (SLOTS + 1) + slot)
        if weight != 0.0:
            h += weight * tl.load(cache + slot * (TOKENS * WIDTH) + tile, tokens < TOKENS, 0.0)
    return h


@triton.jit
def _load_tile(array, TOKENS: tl.constexpr, BT: tl.constexpr, WIDTH: tl.constexpr):
    tokens = tl.arange(0, BT)[:, None]
    return tl.load(array + tokens * WIDTH + tl.arange(0, WIDTH)[None, :], tokens < TOKENS, 0.0)


@triton.jit
def _store_tile(array, tile, TOKENS: tl.constexpr, BT: tl.constexpr, WIDTH: tl.constexpr):
    tokens = tl.arange(0, BT)[:, None]
    tl.store(array + tokens * WIDTH + tl.arange(0, WIDTH)[None, :], tile, tokens < TOKENS)


@triton.jit
def _load_sample(x, TOKENS: tl.constexpr, BT: tl.constexpr, ACTIONS: tl.constexpr, AP: tl.constexpr):
    tokens, actions = tl.arange(0, BT)[:, None], tl.arange(0, AP)[None, :]
    return tl.load(x + tokens * ACTIONS + actions, (tokens < TOKENS) & (actions < ACTIONS), 0.0)


@triton.jit
def enter(
    counters, table, cache, h, out,
    TOKENS: tl.constexpr, BT: tl.constexpr, WIDTH: tl.constexpr, SLOTS: tl.constexpr,
):  # fmt: skip
    """Cached residuals to the stream h (T', d), and the normalised stream to ``out`` (T', d)."""
    entry = tl.load(counters)
    stream = _load_tile(h, TOKENS, BT, WIDTH)
    stream = _add_cached(stream, table, cache, entry, TOKENS, BT, WIDTH, SLOTS)
    _store_tile(h, stream, TOKENS, BT, WIDTH)
    _store_tile(out, normalise(stream, WIDTH, EPSILON).to(out.dtype.element_ty), TOKENS, BT, WIDTH)
    tl.debug_barrier()  # all threads have read the counter
    tl.store(counters, entry + 1)


@triton.jit(do_not_specialize=["layer"])
def enter_cross_attention(
    counters, table, cache, h, times, time_bias, frames, frame_bias, layer, out,
    TOKENS: tl.constexpr, BT: tl.constexpr, WIDTH: tl.constexpr, SLOTS: tl.constexpr,
    STEPS: tl.constexpr, HEADS: tl.constexpr, FRAMES: tl.constexpr, MEMORY: tl.constexpr,
    PRODUCTS: tl.constexpr,
):  # fmt: skip
    """Cached residuals to the stream h (T', d), and the residual of a layer's cross-attention to ``out``.

    times (L, n, 2, H, d), time_bias (L, n, H), frames (L, 2, To, H, d), frame_bias (L, To, H)."""
    entry, step = tl.load(counters), tl.load(counters + 1)
    stream = _load_tile(h, TOKENS, BT, WIDTH)
    stream = _add_cached(stream, table, cache, entry, TOKENS, BT, WIDTH, SLOTS)
    _store_tile(h, stream, TOKENS, BT, WIDTH)
    place = layer * STEPS + step
    residual = cross_attention(
        stream, times + place * (2 * HEADS * WIDTH), time_bias + place * HEADS,
        frames + layer * (2 * FRAMES * HEADS * WIDTH), frame_bias + layer * (FRAMES * HEADS),
        BT, WIDTH, HEADS, FRAMES, MEMORY, EPSILON, PRODUCTS,
    )  # fmt: skip
    tl.debug_barrier()  # ``out`` may be among what was added
    _store_tile(out, residual, TOKENS, BT, WIDTH)
    tl.store(counters, entry + 1)


@triton.jit
def end_step(
    counters, table, cache, h, x, constants, rows, noise, samples,
    TOKENS: tl.constexpr, BT: tl.constexpr, WIDTH: tl.constexpr, SLOTS: tl.constexpr,
    ACTIONS: tl.constexpr, AP: tl.constexpr, PER_TOKEN: tl.constexpr, PRODUCTS: tl.constexpr,
):  # fmt: skip
    """Cached residuals, final norm, head and sampler update of x (T', A), and the next embedding to h."""
    entry, step = tl.load(counters), tl.load(counters + 1)
    stream = _load_tile(h, TOKENS, BT, WIDTH)
    stream = _add_cached(stream, table, cache, entry, TOKENS, BT, WIDTH, SLOTS)
    sample = _load_sample(x, TOKENS, BT, ACTIONS, AP)
    sample = finish(
        stream, sample, constants, rows, noise, step, TOKENS, BT, WIDTH, ACTIONS, AP, PER_TOKEN, EPSILON
    )
    stream = embed(sample, constants, TOKENS, BT, WIDTH, ACTIONS, AP, PRODUCTS)
    tl.debug_barrier()
    store_sample(sample, x, 0, TOKENS, BT, ACTIONS, AP)
    store_sample(sample, samples, step + 1, TOKENS, BT, ACTIONS, AP)
    _store_tile(h, stream, TOKENS, BT, WIDTH)
    tl.store(counters, entry + 1)
    tl.store(counters + 1, step + 1)


@triton.jit
def idle(
    counters, table, cache, h, x, constants, rows, noise, samples,
    TOKENS: tl.constexpr, BT: tl.constexpr, WIDTH: tl.constexpr, SLOTS: tl.constexpr,
    ACTIONS: tl.constexpr, AP: tl.constexpr, PER_TOKEN: tl.constexpr, PRODUCTS: tl.constexpr,
):  # fmt: skip
    """As many idle steps as the last column of the table says, and the next embedding to h."""
    entry, step = tl.load(counters), tl.load(counters + 1)
    stop = step + tl.load(table + entry * (SLOTS + 1) + SLOTS).to(tl.int64)
    constant = load_positions(constants, TOKENS, BT, WIDTH)
    constant = _add_cached(constant, table, cache, entry, TOKENS, BT, WIDTH, SLOTS)
    sample = _load_sample(x, TOKENS, BT, ACTIONS, AP)
    sample = skip(
        constant, sample, constants, rows, noise, samples, step, stop,
        TOKENS, BT, WIDTH, ACTIONS, AP, PER_TOKEN, EPSILON,
    )  # fmt: skip
    stream = embed(sample, constants, TOKENS, BT, WIDTH, ACTIONS, AP, PRODUCTS)
    tl.debug_barrier()
    store_sample(sample, x, 0, TOKENS, BT, ACTIONS, AP)
    _store_tile(h, stream, TOKENS, BT, WIDTH)
    tl.store(counters, entry + 1)
    tl.store(counters + 1, stop)
