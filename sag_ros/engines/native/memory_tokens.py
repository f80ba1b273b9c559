"""Memory tokens and what cross-attention makes of them, compiled: the time token's and the frames' part.

Shapes: M memory tokens at a time (one for the time, To for the frames), d width, H heads, L layers. The
conditioning is token-wise (``n_cond_layers`` 0), so the two parts do not know of each other.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from sag_ros.engines.buffers import aligned
from sag_ros.engines.cpu.jit import kernel
from sag_ros.engines.native.packed_matmul import Float32, Packed, Tile, multiply, operand, pack, write_operand
from sag_ros.engines.savings.cross_attention import HIDDEN, HeadMatrices
from sag_ros.engines.savings.folded_weights import Array
from sag_ros.policy.dpt import DPT, sinusoidal


class MemoryWeights(NamedTuple):
    """Packed weights of the conditioning.

    Attributes:
        frame: D' -> d, D' being D rounded up to an even number. frame_offset: (To, d), bias and positions.
        time_tokens: (n, d), the time token of each step before the MLP.
        up, down: the MLP, d -> 4d -> d.
        key, value: (L) d -> d. score: (L, H, d), memory token -> score offset.
        query, out: (L, H) d/H -> d, that fold a head's keys and values. out_share: (L, H, d), a share of the
            output's bias.
        whole_query, whole_out: (L) d -> d, for cross-attention that is not folded.
    """

    frame: Packed
    frame_offset: Float32
    time_tokens: Float32
    up: Packed
    up_bias: Float32
    down: Packed
    down_bias: Float32
    key: Packed
    value: Packed
    score: Float32
    query: Packed
    out: Packed
    out_share: Float32
    whole_query: Packed
    whole_query_bias: Float32
    whole_out: Packed
    whole_out_bias: Float32
    nothing: Float32


class Memory(NamedTuple):
    """What M memory tokens become, of all layers (the first five, as in ``TimeTable``), and buffers."""

    a: Float32  # (L, M, H, d)
    bias: Float32  # (L, M, H)
    b: Float32  # (L, M, H, d)
    key: Float32  # (L, M, d)
    value: Float32  # (L, M, d)
    tokens: Float32  # (M, d)
    features: Packed  # (M, D')
    narrow: Packed  # (M, d)
    hidden: Float32  # (M, 4d)
    broad: Packed  # (M, 4d)
    part: Float32  # (M, d/H)
    head: Packed  # (M, d/H)


def padded(features: int) -> int:
    """How many numbers of a frame are multiplied: of pairs and whole numbers an even one, at least 4."""
    return max(4, features + features % 2)


def memory_weights(
    dpt: DPT, matrices: HeadMatrices, timesteps: NDArray[np.int64], form: str
) -> MemoryWeights:
    """Pack the conditioning of ``dpt`` for the timesteps (n,) of a sampler."""
    config = dpt.config
    layers, heads, width = config.layers, config.heads, config.width
    size = width // heads
    w = {key: value.detach().double().numpy() for key, value in dpt.state_dict().items()}
    frame = w["cond_obs_emb.weight"]
    frame = np.pad(frame, ((0, 0), (0, padded(frame.shape[1]) - frame.shape[1])))
    positions = w["cond_pos_emb"][0]
    time = sinusoidal(torch.tensor(timesteps), width).double().numpy() + positions[0]

    def by_head(matrix: Array) -> Packed:
        return pack(matrix.reshape(layers, heads, size, width).swapaxes(2, 3), form)

    def narrow(x: Array) -> Float32:
        return np.ascontiguousarray(x, np.float32)

    def by_layer(matrix: Array) -> Packed:
        return pack(matrix.reshape(layers, width, width), form)

    return MemoryWeights(
        frame=pack(frame, form),
        frame_offset=narrow(positions[1:] + w["cond_obs_emb.bias"]),
        time_tokens=narrow(time),
        up=pack(w["encoder.0.weight"], form),
        up_bias=narrow(w["encoder.0.bias"]),
        down=pack(w["encoder.2.weight"], form),
        down_bias=narrow(w["encoder.2.bias"]),
        key=by_layer(matrices.key),
        value=by_layer(matrices.value),
        score=narrow(matrices.bias.T.reshape(layers, heads, width)),
        query=by_head(matrices.query),
        out=by_head(matrices.out),
        out_share=narrow(matrices.out_bias.reshape(layers, heads, width)),
        whole_query=by_layer(matrices.query),
        whole_query_bias=narrow(matrices.query_bias.reshape(layers, width)),
        whole_out=pack(matrices.out.reshape(layers, width, width).swapaxes(1, 2), form),
        whole_out_bias=narrow(matrices.out_bias.reshape(layers, heads, width).sum(axis=1)),
        nothing=np.zeros(width, np.float32),
    )


def memory_buffers(dpt: DPT, rows: int, form: str) -> Memory:
    """Buffers for ``rows`` memory tokens."""
    config = dpt.config
    layers, heads, width = config.layers, config.heads, config.width
    size = width // heads
    return Memory(
        key=aligned(layers, rows, width),
        value=aligned(layers, rows, width),
        a=aligned(layers, rows, heads, width),
        bias=aligned(layers, rows, heads),
        b=aligned(layers, rows, heads, width),
        tokens=aligned(rows, width),
        features=operand(rows, padded(config.obs_dim), form),
        narrow=operand(rows, width, form),
        hidden=aligned(rows, 4 * width),
        broad=operand(rows, 4 * width, form),
        part=aligned(rows, size),
        head=operand(rows, size, form),
    )


@kernel
def embed_frames(tile: Tile, features: Float32, w: MemoryWeights, memory: Memory) -> None:
    """features (M, D') -> tokens before the MLP."""
    write_operand(features, memory.features)
    multiply(tile, memory.features, w.frame, w.nothing, memory.tokens)
    for m in range(w.frame_offset.shape[0]):
        for c in range(w.frame_offset.shape[1]):
            memory.tokens[m, c] += w.frame_offset[m, c]


@kernel
def project_memory(
    tile: Tile, w: MemoryWeights, layers: NDArray[np.bool_], folded: bool, memory: Memory
) -> None:
    """Tokens before the MLP -> keys and values, folded or not, of those ``layers`` (L,) that are True."""
    write_operand(memory.tokens, memory.narrow)
    multiply(tile, memory.narrow, w.up, w.up_bias, memory.hidden)
    _mish(memory.hidden)
    write_operand(memory.hidden, memory.broad)
    multiply(tile, memory.broad, w.down, w.down_bias, memory.tokens)
    write_operand(memory.tokens, memory.narrow)
    for layer in range(len(layers)):
        if not layers[layer]:
            continue
        key, value = memory.key[layer], memory.value[layer]
        multiply(tile, memory.narrow, w.key[layer], w.nothing, key)
        multiply(tile, memory.narrow, w.value[layer], w.nothing, value)
        if folded:
            heads = w.score.shape[1]
            for head in range(heads):
                _fold(tile, key, w.query[layer, head], w.nothing, head, memory, memory.a[layer])
                share = w.out_share[layer, head]
                _fold(tile, value, w.out[layer, head], share, head, memory, memory.b[layer])
                for m in range(memory.tokens.shape[0]):
                    dot = np.float32(0.0)
                    for c in range(memory.tokens.shape[1]):
                        dot += memory.tokens[m, c] * w.score[layer, head, c]
                    memory.bias[layer, m, head] = dot


@kernel
def _fold(
    tile: Tile, x: Float32, matrix: Packed, bias: Float32, head: int, memory: Memory, out: Float32
) -> None:
    """``out[:, head] = x[:, columns of head] matrix + bias``: x (M, d), out (M, H, d)."""
    part = memory.part
    rows, size = part.shape
    for m in range(rows):
        own = x[m][head * size :]
        for c in range(size):
            part[m, c] = own[c]
    write_operand(part, memory.head)
    # The hidden buffer is free by now; its first M d numbers take the product.
    product = memory.hidden.reshape(-1)[: rows * out.shape[2]].reshape(rows, out.shape[2])
    multiply(tile, memory.head, matrix, bias, product)
    for m in range(rows):
        for c in range(out.shape[2]):
            out[m, head, c] = product[m, c]


@kernel
def hide_frames(layers: NDArray[np.bool_], bias: Float32, out: Float32) -> None:
    """Score offsets bias (L, To, H) of the frames, and of those a token must not see: out (L, T', To, H)."""
    for layer in range(len(layers)):
        if layers[layer]:
            for t in range(out.shape[1]):
                for s in range(out.shape[2]):
                    for head in range(out.shape[3]):
                        # Added, so that not-a-number stays.
                        hidden = np.float32(0.0) if t >= s else np.float32(HIDDEN)
                        out[layer, t, s, head] = bias[layer, s, head] + hidden


@kernel
def take_row(table: Float32, row: int, out: Float32) -> None:
    """``out[0] = table[row]``, without the checks (and the code) of a general assignment."""
    for c in range(table.shape[1]):
        out[0, c] = table[row, c]


@kernel
def stack_rows(first: Float32, others: Float32, out: Float32) -> None:
    """first (d,) above others (S - 1 or more, d), to out (S, d)."""
    for c in range(out.shape[1]):
        out[0, c] = first[c]
        for s in range(1, out.shape[0]):
            out[s, c] = others[s - 1, c]


@kernel
def _mish(x: Float32) -> None:
    """``x tanh(log(1 + e^x))`` in place; with ``e = e^x`` the tangent is ``e (e + 2) / (e (e + 2) + 2)``."""
    for m in range(x.shape[0]):
        for c in range(x.shape[1]):
            # Beyond 20 the ratio is 1 in float32; written so that not-a-number passes.
            e = np.float32(math.exp(np.float32(20.0) if x[m, c] > np.float32(20.0) else x[m, c]))
            e = e * (e + np.float32(2.0))
            x[m, c] *= e / (e + np.float32(2.0))
