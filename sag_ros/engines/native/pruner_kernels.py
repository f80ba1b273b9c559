"""A forward pass of the pruner as compiled functions; shapes and weights in ``pruner_weights``."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sag_ros.engines.cpu.jit import kernel
from sag_ros.engines.native.blocks import gelu
from sag_ros.engines.native.packed_matmul import Float32, Packed, Tile, multiply, write_operand
from sag_ros.engines.native.pruner_weights import Inputs, Layer, Outputs


class Buffers(NamedTuple):
    """What a forward pass writes on the way."""

    tokens: Float32  # (S, w)
    normal: Float32  # (S, w)
    narrow: Packed  # (S, w), left side of a product
    joint: Float32  # (S, 3w)
    change: Float32  # (S, w)
    hidden: Float32  # (S, f)
    broad: Packed  # (S, f), left side of a product
    query: Float32  # (S, w / heads)
    keys: Packed  # S padded outputs of w / heads inputs
    values: Packed  # w / heads outputs of S padded inputs
    score: Float32  # (S, S padded)
    unseen: Float32  # (S padded,), added to scores: what is padding gets no share
    nothing: Float32  # (w / heads,), a bias
    bits: NDArray[np.int32]  # (S padded,)
    sums: Float32  # (S,), of a row of exponentials
    margin: Float32  # (S, 3L padded)


@kernel
def left(x: Float32) -> Packed:
    """``x`` as the left side of a product in float32, as ``packed_matmul.write_operand`` would copy it."""
    return x.view(np.uint16)


@kernel
def normalise(x: Float32, out: Float32, epsilon: float) -> None:
    """Each row of x (N, w) less its mean, over its deviation."""
    width = x.shape[1]
    for t in range(x.shape[0]):
        mean = np.float32(0.0)
        for c in range(width):
            mean += x[t, c]
        mean /= np.float32(width)
        square = np.float32(0.0)
        for c in range(width):
            square += (x[t, c] - mean) * (x[t, c] - mean)
        scale = np.float32(1.0 / math.sqrt(square / width + epsilon))
        for c in range(width):
            out[t, c] = (x[t, c] - mean) * scale


@kernel
def begin(obs: Float32, inputs: Inputs, buffers: Buffers) -> None:
    """Tokens, and the first layer's queries, keys and values, from features obs (To, D)."""
    frames, size = obs.shape
    steps, width = inputs.steps.shape
    tokens, joint = buffers.tokens, buffers.joint
    context = inputs.context_bias.copy()
    for f in range(frames):
        own = tokens[steps + f]
        for c in range(width):
            own[c] = inputs.positions[f, c]
        for i in range(size):
            value = (obs[f, i] + inputs.offset[i]) * inputs.scale[i]
            row, other = inputs.frame[i], inputs.context[f * size + i]
            for c in range(width):
                own[c] += value * row[c]
                context[c] += value * other[c]
    mean = np.float32(0.0)
    for c in range(width):
        mean += context[c]
    mean /= np.float32(width)
    both = np.zeros(3 * width, np.float32)
    for i in range(width):
        value, row = context[i] - mean, inputs.joint[i]
        for c in range(3 * width):
            both[c] += value * row[c]
    for k in range(steps):
        square = np.float32(0.0)
        for c in range(width):
            tokens[k, c] = inputs.steps[k, c] + context[c]
            centred = inputs.centred[k, c] + context[c] - mean
            square += centred * centred
        scale = np.float32(1.0 / math.sqrt(square / width + 1e-5))
        own, table = joint[k], inputs.table[k]
        for c in range(3 * width):
            own[c] = (table[c] + both[c]) * scale


@kernel
def exponentials(x: Float32, bits: NDArray[np.int32], largest: float | np.floating) -> np.floating:
    """``exp(x - largest)`` in place as vector code, to a few of the last digits, and their sum."""
    total = np.float32(0.0)
    power = bits.view(np.float32)
    for s in range(len(x)):
        y = max((x[s] - largest) * np.float32(1.44269504), np.float32(-126.0))
        whole = np.int32(y - np.float32(0.5))  # y is not positive: this rounds to the nearest
        y -= np.float32(whole)
        p = np.float32(1.54035304e-4)
        p = p * y + np.float32(1.33335581e-3)
        p = p * y + np.float32(9.61812911e-3)
        p = p * y + np.float32(5.55041087e-2)
        p = p * y + np.float32(2.40226507e-1)
        p = p * y + np.float32(6.93147181e-1)
        x[s] = p * y + np.float32(1.0)
        bits[s] = (whole + np.int32(127)) << np.int32(23)
    for s in range(len(x)):
        x[s] *= power[s]
        total += x[s]
    return total


@kernel
def attend(tile: Tile, joint: Float32, tokens: int, heads: int, buffers: Buffers, out: Float32) -> None:
    """Attention of all tokens to all, joint (S, 3w) -> out (S, w); queries are scaled beforehand.

    Keys and values of a head are laid out as weights, so that both products are the engine's own.
    """
    rows, width = out.shape
    size = width // heads
    keys, values, score = buffers.keys.view(np.float32), buffers.values.view(np.float32), buffers.score
    sums = buffers.sums
    padded, line, columns = score.shape[1], keys.shape[2], values.shape[2]
    for head in range(heads):
        for s in range(tokens):
            key = joint[s][width + head * size :][:size]
            value = joint[s][2 * width + head * size :][:size]
            own = keys[s // line]
            for c in range(size):
                own[c, s % line, 0] = key[c]
            for panel in range(values.shape[0]):
                target, part = values[panel, s], value[panel * columns :]
                for c in range(columns):
                    target[c, 0] = part[c]
        for t in range(rows):
            query, part = buffers.query[t], joint[t][head * size :][:size]
            for c in range(size):
                query[c] = part[c]
        multiply(tile, left(buffers.query), buffers.keys, buffers.unseen, score)
        for t in range(tokens):
            seen = score[t]  # with the padding: whole vectors
            largest = seen[0]
            for s in range(padded):
                largest = max(largest, seen[s])
            sums[t] = exponentials(seen, buffers.bits, largest)
        multiply(tile, left(score), buffers.values, buffers.nothing, buffers.query)
        for t in range(tokens):
            mixed, query = out[t][head * size :][:size], buffers.query[t]
            share = np.float32(1.0) / sums[t]
            for c in range(size):
                mixed[c] = query[c] * share


@kernel
def encode(
    tile: Tile,
    single: Tile,
    layer: Layer,
    first: bool,
    frames: int,
    heads: int,
    inputs: Inputs,
    buffers: Buffers,
) -> None:
    """One layer of the encoder on ``buffers.tokens``; of the first one the step tokens' part is there."""
    tokens = inputs.steps.shape[0] + frames
    x, width = buffers.tokens, buffers.tokens.shape[1]
    if first:
        steps = tokens - frames
        own = buffers.normal[steps:tokens]
        normalise(x[steps:tokens], own, 1e-5)
        for t in range(frames):
            target = buffers.joint[steps + t]
            for c in range(3 * width):
                target[c] = np.float32(0.0)
            for i in range(width):
                value, row = own[t, i], inputs.joint[i]
                for c in range(3 * width):
                    target[c] += value * row[c]
        for t in range(tokens):
            target = buffers.joint[t]
            for c in range(3 * width):
                target[c] += layer.joint.bias[c]
    else:
        normalise(x, buffers.normal, 1e-5)
        write_operand(buffers.normal, buffers.narrow)
        multiply(tile, buffers.narrow, layer.joint.weight, layer.joint.bias, buffers.joint)
    attend(single, buffers.joint, tokens, heads, buffers, buffers.normal)
    write_operand(buffers.normal, buffers.narrow)
    multiply(tile, buffers.narrow, layer.out.weight, layer.out.bias, buffers.change)
    for t in range(tokens):
        for c in range(width):
            x[t, c] += buffers.change[t, c]
    normalise(x, buffers.normal, 1e-5)
    write_operand(buffers.normal, buffers.narrow)
    multiply(tile, buffers.narrow, layer.up.weight, layer.up.bias, buffers.hidden)
    gelu(buffers.hidden)
    write_operand(buffers.hidden, buffers.broad)
    multiply(tile, buffers.broad, layer.down.weight, layer.down.bias, buffers.change)
    for t in range(tokens):
        for c in range(width):
            x[t, c] += buffers.change[t, c]


@kernel
def finish(tile: Tile, outputs: Outputs, buffers: Buffers, margin: Float32) -> None:
    """Prune-minus-compute logits (K, 3L) from the tokens."""
    normalise(buffers.tokens, buffers.normal, 1e-5)
    write_operand(buffers.normal, buffers.narrow)
    multiply(tile, buffers.narrow, outputs.hidden.weight, outputs.hidden.bias, buffers.change)
    gelu(buffers.change)
    write_operand(buffers.change, buffers.narrow)
    multiply(tile, buffers.narrow, outputs.margin.weight, outputs.margin.bias, buffers.margin)
    for k in range(margin.shape[0]):
        for c in range(margin.shape[1]):
            margin[k, c] = buffers.margin[k, c] - outputs.prior[k, c]
