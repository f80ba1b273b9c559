"""The residual blocks of DP-T as compiled functions, written around ``packed_matmul.multiply``.

Shapes: T' tokens, d width, H heads, L layers, S memory tokens. The stream is centred (see
``savings.folded_weights``), so a norm divides by the root mean square.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sag_ros.engines.buffers import aligned
from sag_ros.engines.cpu.jit import kernel
from sag_ros.engines.native.packed_matmul import Float32, Packed, Tile, multiply, operand, pack, write_operand
from sag_ros.engines.savings.folded_weights import NORM_EPSILON, FoldedWeights, Projection


class LayerWeights(NamedTuple):
    """Packed weights of the self-attention and feed-forward blocks of all layers, biases float32.

    Attributes:
        qkv: d -> 3d, bias (L, 3d). out: d -> d. up: d -> 4d. down: 4d -> d.
    """

    qkv: Packed
    qkv_bias: Float32
    out: Packed
    out_bias: Float32
    up: Packed
    up_bias: Float32
    down: Packed
    down_bias: Float32


class BlockBuffers(NamedTuple):
    """What blocks write on the way; ``narrow`` and ``broad`` are left sides of products."""

    normal: Float32  # (T', d)
    narrow: Packed  # (T', d)
    joint: Float32  # (T', 3d)
    hidden: Float32  # (T', 4d)
    broad: Packed  # (T', 4d)


def layer_weights(weights: FoldedWeights, form: str) -> LayerWeights:
    """Pack ``weights`` for products of a form."""

    def stack(projections: list[Projection]) -> tuple[Packed, Float32]:
        packed = pack(np.stack([p.weight for p in projections]), form)
        bias = np.stack([p.bias for p in projections]).astype(np.float32)
        return packed, bias

    attention = [layer.self_attention for layer in weights.layers]
    joint = [
        Projection(
            np.concatenate([a.query.weight, a.key, a.value]),
            np.concatenate([a.query.bias, np.zeros(2 * len(a.key))]),
        )
        for a in attention
    ]
    feed_forward = [layer.feed_forward for layer in weights.layers]
    return LayerWeights(
        *stack(joint),
        *stack([a.out for a in attention]),
        *stack([first for first, _ in feed_forward]),
        *stack([second for _, second in feed_forward]),
    )


def block_buffers(rows: int, width: int, form: str) -> BlockBuffers:
    """Buffers for ``rows`` rows."""
    return BlockBuffers(
        aligned(rows, width),
        operand(rows, width, form),
        aligned(rows, 3 * width),
        aligned(rows, 4 * width),
        operand(rows, 4 * width, form),
    )


@kernel
def normalise(h: Float32, out: Float32) -> None:
    """Divide each row of the centred stream h (T', d) by its root mean square."""
    rows, width = h.shape
    for t in range(rows):
        square = np.float32(0.0)
        for c in range(width):
            square += h[t, c] * h[t, c]
        scale = np.float32(1.0 / math.sqrt(square / width + NORM_EPSILON))
        for c in range(width):
            out[t, c] = h[t, c] * scale


@kernel
def gelu(x: Float32) -> None:
    """``x (1 + erf(x / sqrt 2)) / 2`` in place, as vector code.

    erf is a ratio of polynomials fitted to it on [-4, 4], where it differs from it by 2e-8 (in float32 4e-7);
    beyond it is constant.
    """
    one = np.float32(1.0)
    for t in range(x.shape[0]):
        for c in range(x.shape[1]):
            z = x[t, c] * np.float32(0.70710678)
            z = min(max(z, np.float32(-4.0)), np.float32(4.0))
            y = z * z
            p = np.float32(1.97478562e-6)
            p = p * y + np.float32(2.88038515e-4)
            p = p * y + np.float32(4.00366168e-3)
            p = p * y + np.float32(5.34675382e-2)
            p = p * y + np.float32(1.96249828e-1)
            p = p * y + np.float32(1.12837899)
            q = np.float32(3.74802366e-5)
            q = q * y + np.float32(1.21635711e-3)
            q = q * y + np.float32(1.5444465e-2)
            q = q * y + np.float32(1.1647673e-1)
            q = q * y + np.float32(5.07253051e-1)
            q = q * y + one
            x[t, c] *= np.float32(0.5) * (one + z * p / q)


@kernel
def attend(
    query: Float32,
    key: Float32,
    value: Float32,
    columns: tuple[int, int, int],
    heads: int,
    ahead: int,
    out: Float32,
) -> None:
    """Attention of T' rows to S rows, all heads; the queries are scaled beforehand.

    query (T' or more, ...), key and value (S, ...) may be one array, in which they begin at ``columns``.
    Row t sees the first ``t + 1 + ahead`` rows of key. out (T', d).
    """
    tokens, width = out.shape
    size = width // heads
    score = np.empty(key.shape[0], np.float32)
    for t in range(tokens):
        seen = min(t + 1 + ahead, key.shape[0])
        for head in range(heads):
            # One-dimensional slices and indices from zero: else the compiler does not use vectors.
            own = query[t][columns[0] + head * size :][:size]
            mixed = out[t][head * size :][:size]
            largest = np.float32(-np.inf)
            for s in range(seen):
                other = key[s][columns[1] + head * size :][:size]
                dot = np.float32(0.0)
                for c in range(size):
                    dot += own[c] * other[c]
                score[s] = dot
                largest = max(largest, dot)
            total = np.float32(0.0)
            for s in range(seen):
                score[s] = math.exp(score[s] - largest)
                total += score[s]
            for c in range(size):
                mixed[c] = np.float32(0.0)
            for s in range(seen):
                weight = score[s] / total
                other = value[s][columns[2] + head * size :][:size]
                for c in range(size):
                    mixed[c] += weight * other[c]


@kernel
def self_attention(
    tile: Tile,
    h: Float32,
    layer: int,
    tokens: int,
    heads: int,
    weights: LayerWeights,
    buffers: BlockBuffers,
    out: Float32,
) -> None:
    """Residual of a causal self-attention block: h, out (T', d)."""
    width = h.shape[1]
    normalise(h, buffers.normal)
    write_operand(buffers.normal, buffers.narrow)
    multiply(tile, buffers.narrow, weights.qkv[layer], weights.qkv_bias[layer], buffers.joint)
    joint, mixed = buffers.joint[:tokens], buffers.normal[:tokens]
    attend(joint, joint, joint, (0, width, 2 * width), heads, 0, mixed)
    write_operand(buffers.normal, buffers.narrow)
    multiply(tile, buffers.narrow, weights.out[layer], weights.out_bias[layer], out)


@kernel
def cross_attention(
    tile: Tile,
    h: Float32,
    tokens: int,
    heads: int,
    weights: tuple[Packed, Float32, Packed, Float32],
    memory: tuple[Float32, Float32],
    buffers: BlockBuffers,
    out: Float32,
) -> None:
    """Residual of a cross-attention block that is not folded: h, out (T', d).

    weights: query and output, each packed weights and bias; memory: key and value (S, d), the time token
    first.
    """
    normalise(h, buffers.normal)
    write_operand(buffers.normal, buffers.narrow)
    multiply(tile, buffers.narrow, weights[0], weights[1], out)
    attend(out, memory[0], memory[1], (0, 0, 0), heads, 1, buffers.normal[:tokens])
    write_operand(buffers.normal, buffers.narrow)
    multiply(tile, buffers.narrow, weights[2], weights[3], out)


@kernel
def feed_forward(
    tile: Tile,
    h: Float32,
    layer: int,
    weights: LayerWeights,
    buffers: BlockBuffers,
    out: Float32,
) -> None:
    """Residual of a feed-forward block: h, out (T', d)."""
    normalise(h, buffers.normal)
    write_operand(buffers.normal, buffers.narrow)
    multiply(tile, buffers.narrow, weights.up[layer], weights.up_bias[layer], buffers.hidden)
    gelu(buffers.hidden)
    write_operand(buffers.hidden, buffers.broad)
    multiply(tile, buffers.broad, weights.down[layer], weights.down_bias[layer], out)
