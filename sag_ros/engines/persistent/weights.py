"""Arrays of a policy as the kernel of engine ``persistent`` reads them; sizes as in ``kernel``."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from sag_ros.engines.gpu.blocks import tensor
from sag_ros.engines.gpu.triton.constants import tail_constants
from sag_ros.engines.savings.cross_attention import HeadMatrices, time_table, time_tokens
from sag_ros.engines.savings.folded_weights import Array, FoldedLayer, FoldedWeights
from sag_ros.engines.savings.step_tail import sampler_rows
from sag_ros.policy.dpt import DPT
from sag_ros.policy.schedule import CoefficientTable


class Weights(NamedTuple):
    """What the kernel reads and never changes; ``dtype`` is the format of the products.

    Attributes:
        weights: (L, 12 d d) of ``dtype``: by head query, key, value and transposed output (d/H, d) each, then
            the feed-forward's first projection and its transposed second, (4d, d) each.
        biases: (L, 7 d) float32: query, attention's output, first projection (4d), second.
        times: (n, L, 2, H, d) of ``dtype``, A and B of the time tokens; ``time_bias`` (n, L, H) float32.
        constants: float32, see ``gpu.triton.constants``.
        rows, clean_rows: (n, T' or 1, 6) float32, of the sampler and of steps that end at the clean sample.
    """

    weights: Tensor
    biases: Tensor
    times: Tensor
    time_bias: Tensor
    constants: Tensor
    rows: Tensor
    clean_rows: Tensor


def kernel_weights(
    dpt: DPT,
    folded: FoldedWeights,
    matrices: HeadMatrices,
    table: CoefficientTable,
    tokens: int,
    columns: int,
    dtype: torch.dtype,
) -> Weights:
    """Arrange them for T' ``tokens`` and AP action ``columns``."""
    config = dpt.config
    layers = [_layer(layer, config.heads) for layer in folded.layers]
    time_a, time_bias, time_b = time_table(matrices, time_tokens(dpt, table.timesteps), config)
    clean = table.estimates_by_token()
    f32 = torch.float32
    return Weights(
        weights=tensor(np.stack([weights for weights, _ in layers]), dtype),
        biases=tensor(np.stack([biases for _, biases in layers]), f32),
        times=tensor(np.stack([time_a, time_b], axis=2), dtype),
        time_bias=tensor(time_bias, f32),
        constants=tensor(tail_constants(folded, tokens, columns), f32),
        rows=tensor(sampler_rows(table.by_token()[:, :tokens], table.clip), f32),
        clean_rows=tensor(sampler_rows(clean[:, :tokens], table.clip), f32),
    )


def _layer(layer: FoldedLayer, heads: int) -> tuple[Array, Array]:
    """Weights (12 d d,) and biases (7 d,) of one layer."""
    attention, (rise, fall) = layer.self_attention, layer.feed_forward
    width = len(attention.key)
    matrices = attention.query.weight, attention.key, attention.value, attention.out.weight.T
    by_head = np.stack([matrix.reshape(heads, -1, width) for matrix in matrices], axis=1)
    weights = np.concatenate([by_head.ravel(), rise.weight.ravel(), fall.weight.T.ravel()])
    return weights, np.concatenate([attention.query.bias, attention.out.bias, rise.bias, fall.bias])
