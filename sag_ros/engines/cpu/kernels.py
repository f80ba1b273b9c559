"""What happens between blocks, compiled: norms, small projections, sampler updates, sums of cached residuals.

In numpy each of these thousands of small operations costs a microsecond of call, together as much as the
blocks. The kernels release the interpreter lock. Not-a-number is kept: it must reach whoever refuses it.

Shapes: T' tokens, A action dimensions, d width, S memory tokens, H heads. The stream and all that is added to
it is float32, the sample float64.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sag_ros.engines.cpu.jit import kernel

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


@kernel
def embed(x: Float64, weight: Float32, positions: Float32, h: Float32) -> None:
    """``h = x weight + positions``: x (T', A), weight (A, d), positions and h (T', d)."""
    tokens, actions = x.shape
    for t in range(tokens):
        for c in range(h.shape[1]):
            h[t, c] = positions[t, c]
        for i in range(actions):
            value = np.float32(x[t, i])
            for c in range(h.shape[1]):
                h[t, c] += value * weight[i, c]


@kernel
def add_cached(weights: Float32, extra: int, cache: Float32, h: Float32) -> None:
    """``h += sum_s weights[s] cache[s]``, with one more of slot ``extra`` unless it is negative.

    weights (slots,), cache (slots or more, T', d), h (T', d).
    """
    tokens, width = h.shape
    for s in range(len(weights)):
        weight = weights[s]
        if s == extra:
            weight += np.float32(1.0)
        if weight != 0.0:
            for t in range(tokens):
                for c in range(width):
                    h[t, c] += weight * cache[s, t, c]


@kernel
def add_one_by_one(weights: Float32, extra: int, cache: Float32, h: Float32) -> None:
    """As :func:`add_cached` with whole numbers as weights, each residual added as often as it says."""
    for s in range(len(weights)):
        for _ in range(int(weights[s]) + (1 if s == extra else 0)):
            for t in range(h.shape[0]):
                for c in range(h.shape[1]):
                    h[t, c] += cache[s, t, c]


@kernel
def cross_attention(
    h: Float32,
    time: tuple[Float32, Float32, Float32],
    frames: tuple[Float32, Float32, Float32],
    epsilon: float,
    out: Float32,
) -> None:
    """Residual of a folded cross-attention block from the centred stream h (T', d), to out (T', d).

    time: A (H, d), bias (H,), B (H, d) of the time token; frames: A (To, H, d), bias (T', To, H),
    B (To, H, d) of the observation.
    """
    time_a, time_bias, time_b = time
    a, bias, b = frames
    tokens, width = h.shape
    memory, heads = a.shape[0] + 1, a.shape[1]
    score = np.empty(memory, np.float32)
    for t in range(tokens):
        square = np.float32(0.0)
        for c in range(width):
            square += h[t, c] * h[t, c]
        scale = np.float32(1.0 / math.sqrt(square / width + epsilon))
        for c in range(width):
            out[t, c] = 0.0
        for head in range(heads):
            largest = np.float32(-np.inf)
            for s in range(memory):
                dot = np.float32(0.0)
                if s == 0:
                    for c in range(width):
                        dot += h[t, c] * time_a[head, c]
                    dot = dot * scale + time_bias[head]
                else:
                    for c in range(width):
                        dot += h[t, c] * a[s - 1, head, c]
                    dot = dot * scale + bias[t, s - 1, head]
                score[s] = dot
                if dot > largest:
                    largest = dot
            total = np.float32(0.0)
            for s in range(memory):
                score[s] = math.exp(score[s] - largest)
                total += score[s]
            for s in range(memory):
                weight = score[s] / total
                if s == 0:
                    for c in range(width):
                        out[t, c] += weight * time_b[head, c]
                elif weight != 0.0:
                    for c in range(width):
                        out[t, c] += weight * b[s - 1, head, c]


@kernel
def _update(
    x: Float64, head: Float64, mean_square: float | np.floating, row: Float64, bias: Float64, noise: Float64
) -> None:
    """Sampler update of one token: x, head, bias, noise (A,); row as ``savings.step_tail.sampler_rows``."""
    ratio, low, high, from_v, from_x, from_eps = row
    scale = 1.0 / math.sqrt(mean_square)
    for i in range(len(x)):
        eps = head[i] * scale + bias[i]
        v = x[i] + ratio * eps
        if v < low:
            v = low
        elif v > high:
            v = high
        x[i] = from_v * v + from_x * x[i] + from_eps * eps + noise[i]


@kernel
def finish(
    h: Float32, readout: Float32, bias: Float64, epsilon: float, rows: Float64, noise: Float64, x: Float64
) -> None:
    """Final norm, head, sampler update: h (T', d) centred, readout (A, d), bias (A,), rows (T', 6) or (1, 6)
    for all tokens, noise and x (T', A)."""
    tokens, width = h.shape
    actions = len(readout)
    head = np.empty(actions)
    for t in range(tokens):
        square = np.float32(0.0)
        for c in range(width):
            square += h[t, c] * h[t, c]
        for i in range(actions):
            dot = np.float32(0.0)
            for c in range(width):
                dot += h[t, c] * readout[i, c]
            head[i] = dot
        row = rows[t if len(rows) > 1 else 0]
        _update(x[t], head, square / width + epsilon, row, bias, noise[t])


@kernel
def constant(
    weights: Float32,
    cache: Float32,
    positions: Float32,
    linear: Float32,
    epsilon: float,
    out: Float64,
    mean_square: Float64,
) -> None:
    """What fully pruned steps add to the embedding: ``E = positions + sum_s weights[s] cache[s]``.

    Writes ``E linear^T`` to out (T', 2A) and its mean square plus epsilon to mean_square (T',); linear is
    (2A, d).
    """
    tokens, width = positions.shape
    row = np.empty(width, np.float32)
    for t in range(tokens):
        for c in range(width):
            row[c] = positions[t, c]
        for s in range(len(weights)):
            weight = weights[s]
            if weight != 0.0:
                for c in range(width):
                    row[c] += weight * cache[s, t, c]
        square = np.float32(0.0)
        for c in range(width):
            square += row[c] * row[c]
        mean_square[t] = square / width + epsilon
        for j in range(len(linear)):
            dot = np.float32(0.0)
            for c in range(width):
                dot += row[c] * linear[j, c]
            out[t, j] = dot


@kernel
def skip(
    x: Float64,
    quadratic: Float64,
    constant: Float64,
    mean_square: Float64,
    rows: Float64,
    bias: Float64,
    noise: Float64,
) -> None:
    """Fully pruned steps in action space: x (T', A), quadratic (A, 2A), constant (T', 2A), mean_square (T',),
    rows (steps, T' or 1, 6), noise (steps, T', A). See ``savings.step_tail``."""
    tokens, actions = x.shape
    joint = np.empty(2 * actions)
    for t in range(tokens):
        own = x[t]
        place = t if rows.shape[1] > 1 else 0
        for step in range(len(rows)):
            for j in range(2 * actions):
                joint[j] = constant[t, j]
                for i in range(actions):
                    joint[j] += own[i] * quadratic[i, j]
            square = mean_square[t]
            for i in range(actions):
                square += joint[actions + i] * own[i]
            _update(own, joint[:actions], square, rows[step, place], bias, noise[step, t])
