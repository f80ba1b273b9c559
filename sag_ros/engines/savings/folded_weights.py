"""Weights of DP-T rearranged for inference; every change is an identity, rounding aside.

- LayerNorm ignores the mean of the residual stream, so whatever is added to the stream is centred over the
  width beforehand; a norm is then a division by the root mean square.
- The gain of a norm moves into the weights behind it, its offset into their bias.
- The query is scaled in its weights; the key's bias shifts all scores of a query alike and is dropped; the
  value's bias passes through the softmax unchanged and moves into the output's bias.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sag_ros.policy.dpt import DPT

Array = NDArray[np.float64]
NORM_EPSILON = 1e-5


@dataclass(frozen=True)
class Projection:
    """``x @ weight.T + bias``: weight (out, in), bias (out,)."""

    weight: Array
    bias: Array


@dataclass(frozen=True)
class Attention:
    """Projections of one attention block; ``query`` and, in self-attention, ``key`` and ``value`` expect
    the normalised stream, cross-attention's ``key`` and ``value`` the memory.
    """

    query: Projection
    key: Array
    value: Array
    out: Projection


@dataclass(frozen=True)
class FoldedLayer:
    """The three residual blocks of one layer."""

    self_attention: Attention
    cross_attention: Attention
    feed_forward: tuple[Projection, Projection]


@dataclass(frozen=True)
class FoldedWeights:
    """All of DP-T but its conditioning, float64; h is (T', d) and always centred.

    Attributes:
        embed: (A,) -> (d,); ``positions`` (T, d) includes its bias.
        readout: (d,) normalised -> (A,).
    """

    embed: Array
    positions: Array
    layers: tuple[FoldedLayer, ...]
    readout: Projection


def fold(dpt: DPT) -> FoldedWeights:
    """Rearrange the weights of ``dpt``."""
    embed = dpt.input_emb
    heads = dpt.config.heads
    return FoldedWeights(
        embed=_centre(_array(embed.weight)),
        positions=_centre((_array(dpt.pos_emb)[0] + _array(embed.bias)).T).T,
        layers=tuple(_fold_layer(layer, heads) for layer in dpt.decoder.layers),
        readout=_behind_norm(_array(dpt.head.weight), _array(dpt.head.bias), dpt.ln_f),
    )


def _fold_layer(layer: Any, heads: int) -> FoldedLayer:
    first, second = layer.linear1, layer.linear2
    return FoldedLayer(
        self_attention=_fold_attention(layer.self_attn, heads, layer.norm1, memory=False),
        cross_attention=_fold_attention(layer.multihead_attn, heads, layer.norm2, memory=True),
        feed_forward=(
            _behind_norm(_array(first.weight), _array(first.bias), layer.norm3),
            Projection(_centre(_array(second.weight)), _centre(_array(second.bias))),
        ),
    )


def _fold_attention(mha: Any, heads: int, norm: Any, memory: bool) -> Attention:
    weights = np.split(_array(mha.in_proj_weight), 3)
    biases = np.split(_array(mha.in_proj_bias), 3)
    scale = (weights[0].shape[0] // heads) ** -0.5
    query = _behind_norm(scale * weights[0], scale * biases[0], norm)
    key, value = (Projection(weights[i], biases[i]) for i in (1, 2))
    if not memory:
        key, value = (_behind_norm(p.weight, p.bias, norm) for p in (key, value))
    out = _centre(_array(mha.out_proj.weight))
    out_bias = _centre(_array(mha.out_proj.bias)) + out @ value.bias
    return Attention(query, key.weight, value.weight, Projection(out, out_bias))


def _behind_norm(weight: Array, bias: Array, norm: Any) -> Projection:
    return Projection(weight * _array(norm.weight), bias + weight @ _array(norm.bias))


def _centre(x: Array) -> Array:
    """Remove the mean over the first axis, the width of the stream."""
    return x - x.mean(axis=0)


def _array(tensor: Any) -> Array:
    return tensor.detach().double().cpu().numpy()
