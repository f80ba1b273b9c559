"""The network's residual blocks as Triton device functions, for kernels that hold the stream in registers.

BT token rows (T' of them count, the others are 0), d width, H heads, F hidden columns, S memory tokens.
Weights and products have the format of the weights; norm and softmax are float32. Weight tiles are read in
the order in which they lie in memory, each a contiguous piece of (rows, d).
"""

# Device code has no types in Python's sense.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import triton
import triton.language as tl

HIDDEN = tl.constexpr(-1e30)  # score of a token that must not be seen


@triton.jit
def normalise(h, WIDTH: tl.constexpr, EPSILON: tl.constexpr):
    """The centred stream (BT, d) divided by its root mean square."""
    square = tl.sum(h * h, axis=1) / WIDTH + EPSILON
    return h * tl.math.rsqrt(square)[:, None]


@triton.jit
def product(x, y, PRODUCTS: tl.constexpr):
    """``x @ y`` of one format, summed in float32.

    PRODUCTS: how float32 is multiplied; ``widened`` also makes float32 of other formats, for the interpreter,
    which multiplies the bits of bf16 as if they were whole numbers.
    """
    if PRODUCTS == "widened":
        return tl.dot(x.to(tl.float32), y.to(tl.float32), input_precision="ieee")
    return tl.dot(x, y, input_precision=PRODUCTS)


@triton.jit
def softmax(scores, AXIS: tl.constexpr):
    """Over one axis; not-a-number is kept."""
    shares = tl.exp(scores - tl.max(scores, axis=AXIS, keep_dims=True))
    return shares / tl.sum(shares, axis=AXIS, keep_dims=True)


@triton.jit
def self_attention(
    h,
    weights,
    bias,
    first,
    BT: tl.constexpr,
    WIDTH: tl.constexpr,
    HEADS: tl.constexpr,
    COUNT: tl.constexpr,
    STAGES: tl.constexpr,
    EPSILON: tl.constexpr,
    PRODUCTS: tl.constexpr,
):
    """What heads ``first`` ... ``first + COUNT - 1`` add to the residual (BT, d), without the output's bias.

    weights (H, 4, d/H, d): query, key, value and transposed output of each head; bias (d,) of the query.
    """
    SIZE: tl.constexpr = WIDTH // HEADS
    dtype = weights.dtype.element_ty
    tokens = tl.arange(0, BT)
    size = tl.arange(0, SIZE)
    tile = size[:, None] * WIDTH + tl.arange(0, WIDTH)[None, :]
    causal = tokens[:, None] >= tokens[None, :]
    x = normalise(h, WIDTH, EPSILON).to(dtype)
    total = tl.zeros((BT, WIDTH), tl.float32)
    for head in tl.range(first, first + COUNT, num_stages=STAGES):
        place = weights + head * (4 * SIZE * WIDTH) + tile
        query_weight = tl.load(place)
        key_weight = tl.load(place + SIZE * WIDTH)
        value_weight = tl.load(place + 2 * SIZE * WIDTH)
        out_weight = tl.load(place + 3 * SIZE * WIDTH)
        query = product(x, tl.trans(query_weight), PRODUCTS) + tl.load(bias + head * SIZE + size)[None, :]
        key = product(x, tl.trans(key_weight), PRODUCTS).to(dtype)
        value = product(x, tl.trans(value_weight), PRODUCTS).to(dtype)
        scores = product(query.to(dtype), tl.trans(key), PRODUCTS)
        shares = softmax(tl.where(causal, scores, HIDDEN), 1)
        mixed = product(shares.to(dtype), value, PRODUCTS).to(dtype)
        total += product(mixed, out_weight, PRODUCTS)
    return total


@triton.jit
def feed_forward(
    h,
    weights,
    bias,
    first,
    BT: tl.constexpr,
    WIDTH: tl.constexpr,
    HIDDEN_COLUMNS: tl.constexpr,
    TILE: tl.constexpr,
    COUNT: tl.constexpr,
    STAGES: tl.constexpr,
    EPSILON: tl.constexpr,
    PRODUCTS: tl.constexpr,
):
    """What ``COUNT`` tiles of hidden columns from tile ``first`` add to the residual (BT, d), without the
    output's bias.

    weights (2, F, d): first projection and transposed second; bias (F,) of the first.
    """
    dtype = weights.dtype.element_ty
    columns = tl.arange(0, TILE)
    tile = columns[:, None] * WIDTH + tl.arange(0, WIDTH)[None, :]
    x = normalise(h, WIDTH, EPSILON).to(dtype)
    total = tl.zeros((BT, WIDTH), tl.float32)
    for index in tl.range(first, first + COUNT, num_stages=STAGES):
        place = weights + index * (TILE * WIDTH) + tile
        rise = tl.load(place)
        fall = tl.load(place + HIDDEN_COLUMNS * WIDTH)
        hidden = product(x, tl.trans(rise), PRODUCTS) + tl.load(bias + index * TILE + columns)[None, :]
        active = 0.5 * hidden * (1.0 + tl.math.erf(hidden * 0.7071067811865476))
        total += product(active.to(dtype), fall, PRODUCTS)
    return total


@triton.jit
def cross_attention(
    h,
    time,
    time_bias,
    frames,
    frame_bias,
    BT: tl.constexpr,
    WIDTH: tl.constexpr,
    HEADS: tl.constexpr,
    FRAMES: tl.constexpr,
    MEMORY: tl.constexpr,
    EPSILON: tl.constexpr,
    PRODUCTS: tl.constexpr,
):
    """Residual (BT, d) of a folded block, see ``savings.cross_attention``.

    time (2, H, d) and time_bias (H,): A and B of the time token; frames (2, To, H, d) and frame_bias
    (To, H): of the observation. MEMORY: 1 + To or more, a power of two.
    """
    ROWS: tl.constexpr = MEMORY * HEADS
    dtype = time.dtype.element_ty
    tokens = tl.arange(0, BT)
    rows = tl.arange(0, ROWS)
    columns = tl.arange(0, WIDTH)
    is_time = rows < HEADS
    is_frame = (rows >= HEADS) & (rows < (1 + FRAMES) * HEADS)
    # One load for both, so that neither waits for the other; rows of neither are not read and give 0.
    time_rows = time + rows * WIDTH
    frame_rows = frames + (rows - HEADS) * WIDTH
    used = (is_time | is_frame)[:, None]
    a = tl.load(tl.where(is_time, time_rows, frame_rows)[:, None] + columns[None, :], used, 0.0)
    time_rows += HEADS * WIDTH
    frame_rows += FRAMES * HEADS * WIDTH
    b = tl.load(tl.where(is_time, time_rows, frame_rows)[:, None] + columns[None, :], used, 0.0)
    bias = tl.load(time_bias + rows, is_time, 0.0) + tl.load(frame_bias + rows - HEADS, is_frame, 0.0)

    x = normalise(h, WIDTH, EPSILON).to(dtype)
    scores = product(x, tl.trans(a), PRODUCTS) + bias[None, :]
    memory = rows // HEADS
    visible = (tokens[:, None] >= memory[None, :] - 1) & (memory[None, :] <= FRAMES)
    scores = tl.where(visible, scores, HIDDEN)
    shares = softmax(scores.reshape(BT, MEMORY, HEADS), 1).reshape(BT, ROWS)
    return product(shares.to(dtype), b, PRODUCTS)
