"""The pruner's weights as compiled code reads them.

A step token is a constant plus the projected observation, and a norm is linear but for its scale: so queries,
keys and values of the first layer are a table plus one row, over the norm's deviation, and cost no product.
The affine part of each norm is folded into what follows it.

Shapes: K steps, S = K + To tokens, w width, f feed-forward width, 3L blocks.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from sag_ros.engines.native.microkernel import LANES
from sag_ros.engines.native.packed_matmul import Float32, Packed, pack
from sag_ros.pruning.pruner import Pruner

Float64 = NDArray[np.float64]


class Dense(NamedTuple):
    """A linear map: packed weights, bias."""

    weight: Packed
    bias: Float32


class Layer(NamedTuple):
    """One layer of the encoder, norms folded in, queries scaled: w -> 3w, w -> w, w -> f, f -> w."""

    joint: Dense
    out: Dense
    up: Dense
    down: Dense


class Inputs(NamedTuple):
    """From the observation to tokens.

    Attributes:
        offset, scale: (D,) standardise features.
        context: (To D, w) and bias (w,), added to every step token. frame: (D, w), for observation tokens.
        positions: (To, w) with the bias of ``frame``.
        steps: (K, w) constant part of the step tokens. centred: the same less its mean.
        table: (K, 3w) what the first layer makes of ``centred``. joint: (w, 3w) that it is made with.
    """

    offset: Float32
    scale: Float32
    context: Float32
    context_bias: Float32
    frame: Float32
    positions: Float32
    steps: Float32
    centred: Float32
    table: Float32
    joint: Float32


class Outputs(NamedTuple):
    """From tokens to margins: w -> w, w -> 3L (padded), and what is taken off, (K, 3L)."""

    hidden: Dense
    margin: Dense
    prior: Float32


def _numbers(tensor: Tensor) -> Float64:
    return tensor.detach().double().numpy()


def _dense(weight: Float64, bias: Float64, form: str) -> Dense:
    return Dense(pack(weight, form), bias.astype(np.float32))


def _after(norm: nn.LayerNorm, weight: Tensor, bias: Tensor) -> tuple[Float64, Float64]:
    """A linear map with the affine part of the norm before it."""
    matrix = _numbers(weight)
    return matrix * _numbers(norm.weight), _numbers(bias) + matrix @ _numbers(norm.bias)


def _joint(layer: nn.TransformerEncoderLayer, heads: int) -> tuple[Float64, Float64]:
    attention = layer.self_attn
    weight, bias = _after(layer.norm1, attention.in_proj_weight, attention.in_proj_bias)
    width = weight.shape[1]
    scale = np.ones(3 * width)
    scale[:width] = 1.0 / math.sqrt(width // heads)
    return weight * scale[:, None], bias * scale


def layer_weights(layer: nn.TransformerEncoderLayer, heads: int, form: str) -> Layer:
    attention = layer.self_attn
    return Layer(
        _dense(*_joint(layer, heads), form),
        _dense(_numbers(attention.out_proj.weight), _numbers(attention.out_proj.bias), form),
        _dense(*_after(layer.norm2, layer.linear1.weight, layer.linear1.bias), form),
        _dense(_numbers(layer.linear2.weight), _numbers(layer.linear2.bias), form),
    )


def input_weights(pruner: Pruner) -> Inputs:
    steps = _numbers(pruner.step_code) @ _numbers(pruner.step_proj.weight).T + _numbers(pruner.step_proj.bias)
    centred = steps - steps.mean(axis=1, keepdims=True)
    joint, _ = _joint(pruner.encoder.layers[0], pruner.config.heads)
    found = (
        _numbers(pruner.feature_offset),
        _numbers(pruner.feature_scale),
        _numbers(pruner.context_proj.weight).T,
        _numbers(pruner.context_proj.bias),
        _numbers(pruner.obs_proj.weight).T,
        _numbers(pruner.obs_pos) + _numbers(pruner.obs_proj.bias),
        steps,
        centred,
        centred @ joint.T,
        joint.T,
    )
    return Inputs(*(np.ascontiguousarray(value, np.float32) for value in found))


def output_weights(pruner: Pruner, form: str) -> Outputs:
    first, last = pruner.head[0], pruner.head[2]
    assert isinstance(first, nn.Linear)
    assert isinstance(last, nn.Linear)
    norm = pruner.encoder.norm
    assert isinstance(norm, nn.LayerNorm)
    weight, bias = _numbers(last.weight), _numbers(last.bias)
    weight, bias = weight[1::2] - weight[::2], bias[1::2] - bias[::2]  # prune minus compute
    short = -len(bias) % LANES
    margin = _dense(np.pad(weight, ((0, short), (0, 0))), np.pad(bias, (0, short)), form)
    prior = np.ascontiguousarray(_numbers(pruner.logit_bias), np.float32)
    return Outputs(_dense(*_after(norm, first.weight, first.bias), form), margin, prior)
