"""The end of a denoising step as Triton device functions; see ``savings.step_tail`` for the identities.

BT token rows and AP action columns, of which T' and A count and the others are 0; d width. All float32.
``constants`` is one array, see ``constants.tail_constants``: positions (T', d), embedding (A, d),
readout (A, d), readout's bias (AP,), two action-space matrices (AP, AP).
"""

# Device code has no types in Python's sense.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import triton
import triton.language as tl

from sag_ros.engines.gpu.triton.blocks import product


@triton.jit
def load_positions(constants, TOKENS: tl.constexpr, BT: tl.constexpr, WIDTH: tl.constexpr):
    """(BT, d), what the embedding of an all-zero sample is."""
    tokens = tl.arange(0, BT)[:, None]
    return tl.load(constants + tokens * WIDTH + tl.arange(0, WIDTH)[None, :], tokens < TOKENS, 0.0)


@triton.jit
def embed(
    x,
    constants,
    TOKENS: tl.constexpr,
    BT: tl.constexpr,
    WIDTH: tl.constexpr,
    ACTIONS: tl.constexpr,
    AP: tl.constexpr,
    PRODUCTS: tl.constexpr,
):
    """Sample (BT, AP) -> stream (BT, d)."""
    actions = tl.arange(0, AP)[:, None]
    place = constants + (TOKENS + actions) * WIDTH + tl.arange(0, WIDTH)[None, :]
    matrix = tl.load(place, actions < ACTIONS, 0.0)
    return load_positions(constants, TOKENS, BT, WIDTH) + product(x, matrix, PRODUCTS)


@triton.jit
def project(h, matrix, BT: tl.constexpr, WIDTH: tl.constexpr, ACTIONS: tl.constexpr, AP: tl.constexpr):
    """``h @ matrix.T``, matrix (A, d) -> (BT, AP)."""
    actions = tl.arange(0, AP)[None, :]
    columns = tl.arange(0, WIDTH)
    out = tl.zeros((BT, AP), tl.float32)
    for i in tl.static_range(ACTIONS):
        dot = tl.sum(h * tl.load(matrix + i * WIDTH + columns)[None, :], axis=1)
        out += tl.where(actions == i, dot[:, None], 0.0)
    return out


@triton.jit
def update(
    x,
    head,
    square,
    bias,
    rows,
    noise,
    step,
    TOKENS: tl.constexpr,
    BT: tl.constexpr,
    ACTIONS: tl.constexpr,
    AP: tl.constexpr,
    PER_TOKEN: tl.constexpr,
):
    """The sample after ``step``: head (BT, AP) before the norm, square (BT,) its mean square.

    rows (n, T' or 1, 6) as ``savings.step_tail.sampler_rows``; noise (n + 1, T', A) scaled, row ``step + 1``
    is added in ``step``.
    """
    tokens = tl.arange(0, BT)
    actions = tl.arange(0, AP)
    row = step * TOKENS + tokens if PER_TOKEN else step + tokens * 0
    place = rows + row * 6
    real = tokens < TOKENS
    ratio = tl.load(place, real, 0.0)[:, None]
    low = tl.load(place + 1, real, 0.0)[:, None]
    high = tl.load(place + 2, real, 0.0)[:, None]
    from_v = tl.load(place + 3, real, 0.0)[:, None]
    from_x = tl.load(place + 4, real, 0.0)[:, None]
    from_eps = tl.load(place + 5, real, 0.0)[:, None]
    cells = (step + 1) * (TOKENS * ACTIONS) + tokens[:, None] * ACTIONS + actions[None, :]
    added = tl.load(noise + cells, real[:, None] & (actions < ACTIONS)[None, :], 0.0)
    eps = head * tl.math.rsqrt(square)[:, None] + bias[None, :]
    v = x + ratio * eps
    # Comparisons, since minimum and maximum would lose a not-a-number.
    v = tl.where(v < low, low, tl.where(v > high, high, v))
    return from_v * v + from_x * x + from_eps * eps + added


@triton.jit
def finish(
    h,
    x,
    constants,
    rows,
    noise,
    step,
    TOKENS: tl.constexpr,
    BT: tl.constexpr,
    WIDTH: tl.constexpr,
    ACTIONS: tl.constexpr,
    AP: tl.constexpr,
    PER_TOKEN: tl.constexpr,
    EPSILON: tl.constexpr,
):
    """The sample (BT, AP) after ``step`` from the stream (BT, d) behind its last block."""
    readout = constants + (TOKENS + ACTIONS) * WIDTH
    bias = tl.load(readout + ACTIONS * WIDTH + tl.arange(0, AP))
    square = tl.sum(h * h, axis=1) / WIDTH + EPSILON
    head = project(h, readout, BT, WIDTH, ACTIONS, AP)
    return update(x, head, square, bias, rows, noise, step, TOKENS, BT, ACTIONS, AP, PER_TOKEN)


@triton.jit
def store_sample(
    x, samples, step, TOKENS: tl.constexpr, BT: tl.constexpr, ACTIONS: tl.constexpr, AP: tl.constexpr
):
    """Write the sample (BT, AP) before ``step`` to samples (n + 1, T', A)."""
    tokens = tl.arange(0, BT)[:, None]
    actions = tl.arange(0, AP)[None, :]
    real = (tokens < TOKENS) & (actions < ACTIONS)
    tl.store(samples + step * (TOKENS * ACTIONS) + tokens * ACTIONS + actions, x, real)


@triton.jit
def skip(
    constant,
    x,
    constants,
    rows,
    noise,
    samples,
    start,
    stop,
    TOKENS: tl.constexpr,
    BT: tl.constexpr,
    WIDTH: tl.constexpr,
    ACTIONS: tl.constexpr,
    AP: tl.constexpr,
    PER_TOKEN: tl.constexpr,
    EPSILON: tl.constexpr,
):
    """The sample after idle steps ``start`` ... ``stop - 1``, which never leaves action space.

    constant (BT, d) is what each adds to the embedding, positions included. samples (n + 1, T', A) is given
    the sample after each step.
    """
    embedding = constants + TOKENS * WIDTH
    readout = embedding + ACTIONS * WIDTH
    last = readout + ACTIONS * WIDTH
    actions = tl.arange(0, AP)
    bias = tl.load(last + actions)
    matrix = last + AP + actions[:, None] * AP + actions[None, :]
    to_head, to_square = tl.load(matrix), tl.load(matrix + AP * AP)
    head_offset = project(constant, readout, BT, WIDTH, ACTIONS, AP)
    square_offset = project(constant, embedding, BT, WIDTH, ACTIONS, AP) * (2.0 / WIDTH)
    mean_square = tl.sum(constant * constant, axis=1) / WIDTH + EPSILON
    for step in tl.range(start, stop, num_stages=1):
        head = tl.dot(x, to_head, input_precision="ieee") + head_offset
        linear = tl.dot(x, to_square, input_precision="ieee") + square_offset
        square = mean_square + tl.sum(linear * x, axis=1)
        x = update(x, head, square, bias, rows, noise, step, TOKENS, BT, ACTIONS, AP, PER_TOKEN)
        store_sample(x, samples, step + 1, TOKENS, BT, ACTIONS, AP)
    return x
