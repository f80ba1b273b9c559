"""Cross-attention folded per head: the query and output projections move into keys and values.

Per head ``A = W_q^T k`` (d, S) and ``B = v W_o^T`` (S, d), so a block costs 2 T d H S multiply-adds
instead of 2 T d^2 + 2 S d^2 + 2 T S d. The memory MLP is token-wise: the time token's part is a table of
the checkpoint, the frames' part is computed once per chunk. Exact, rounding aside.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from sag_ros.engines.cpu import kernels
from sag_ros.engines.savings.folded_weights import NORM_EPSILON, Array, FoldedWeights
from sag_ros.policy.dpt import DPT, DPTConfig

Float32 = NDArray[np.float32]
HIDDEN = -1e30  # score of a memory token that an action token must not see


@dataclass(frozen=True)
class HeadMatrices:
    """Constants that turn memory tokens (M, d) into A, bias and B; one small matrix a head, R = L H.

    Attributes:
        key, value: (L d, d), projections of all layers below each other.
        query: (R, d/H, d); ``query_bias`` (R, d/H).
        out: (R, d/H, d); ``out_bias`` (R, d), a share of the output's bias: the probabilities of a head sum
            to one, so the bias can ride on the values.
    """

    key: Array
    value: Array
    query: Array
    query_bias: Array
    out: Array
    out_bias: Array

    @property
    def bias(self) -> Array:
        """(d, R): memory token -> score offset of each head."""
        rows, size, width = self.query.shape
        return np.einsum("rsd,rs->dr", self.key.reshape(rows, size, width), self.query_bias)

    def fold(self, memory: Array) -> tuple[Array, Array, Array]:
        """(M, d) memory tokens -> A (M, R, d), bias (M, R), B (M, R, d)."""
        rows, size, _ = self.query.shape
        key = (memory @ self.key.T).reshape(-1, rows, size).transpose(1, 0, 2)
        value = (memory @ self.value.T).reshape(-1, rows, size).transpose(1, 0, 2)
        a, b = (key @ self.query).transpose(1, 0, 2), (value @ self.out).transpose(1, 0, 2)
        return a, memory @ self.bias, b + self.out_bias


def head_matrices(weights: FoldedWeights, heads: int) -> HeadMatrices:
    """Split the cross-attention of all layers by head."""
    blocks = [layer.cross_attention for layer in weights.layers]
    width = len(blocks[0].key)
    size = width // heads
    return HeadMatrices(
        key=np.concatenate([b.key for b in blocks]),
        value=np.concatenate([b.value for b in blocks]),
        query=np.concatenate([b.query.weight.reshape(heads, size, width) for b in blocks]),
        query_bias=np.concatenate([b.query.bias.reshape(heads, size) for b in blocks]),
        out=np.concatenate([b.out.weight.T.reshape(heads, size, width) for b in blocks]),
        out_bias=np.repeat(np.stack([b.out.bias / heads for b in blocks]), heads, axis=0),
    )


class FoldedCrossAttention:
    """All cross-attention blocks of a policy with one sampler; S memory tokens, H heads, T' action tokens."""

    def __init__(self, dpt: DPT, matrices: HeadMatrices, timesteps: NDArray[np.int64], tokens: int) -> None:
        """Tabulate the time token's part for ``timesteps`` (n,).

        Raises:
            ValueError: the conditioning is a transformer encoder, whose tokens depend on each other.
        """
        config = dpt.config
        layers, heads, width, memory = config.layers, config.heads, config.width, config.memory_tokens
        self._time_a, self._time_bias, self._time_b = time_table(
            matrices, time_tokens(dpt, timesteps), config
        )

        # Current matrices of each layer, the time token's heads first.
        self._a = np.zeros((layers, memory, heads, width), np.float32)
        self._b = np.zeros((layers, memory, heads, width), np.float32)
        self._bias = np.zeros((layers, tokens, memory, heads), np.float32)
        visible = np.arange(tokens)[:, None] >= np.arange(1, memory) - 1
        self._hidden = np.where(visible, 0.0, HIDDEN).astype(np.float32)[None, :, :, None]
        self._frames = list(zip(self._a[:, 1:], self._bias[:, :, 1:], self._b[:, 1:], strict=True))

    def set_frames(self, a: Float32, bias: Float32, b: Float32) -> None:
        """Take the frames' part of a chunk: A and B (L, To, H, d), bias (L, To, H)."""
        self._a[:, 1:] = a
        self._b[:, 1:] = b
        np.add(bias[:, None], self._hidden, out=self._bias[:, :, 1:])

    def set_time(self, step: int) -> None:
        """Take the time token's part of ``step`` into :meth:`matrices`."""
        self._a[:, 0] = self._time_a[step]
        self._bias[:, :, 0] = self._time_bias[step, :, None]
        self._b[:, 0] = self._time_b[step]

    def matrices(self) -> tuple[Float32, Float32, Float32]:
        """Current A (L, S H, d), bias (L, T', S H) and B (L, S H, d), views of what is updated."""
        layers, tokens, width = len(self._a), self._bias.shape[1], self._a.shape[-1]
        return (
            self._a.reshape(layers, -1, width),
            self._bias.reshape(layers, tokens, -1),
            self._b.reshape(layers, -1, width),
        )

    def block(self, h: Float32, step: int, layer: int, out: Float32) -> None:
        """Residual of one block from the centred stream ``h`` (T', d), written to ``out`` (T', d)."""
        time = self._time_a[step, layer], self._time_bias[step, layer], self._time_b[step, layer]
        kernels.cross_attention(h, time, self._frames[layer], NORM_EPSILON, out)


def time_tokens(dpt: DPT, timesteps: NDArray[np.int64]) -> Array:
    """(n, d) float64, the time's memory tokens for ``timesteps`` (n,).

    Raises:
        ValueError: the conditioning is a transformer encoder, whose tokens depend on each other.
    """
    config = dpt.config
    require_token_wise(config.n_cond_layers)
    with torch.inference_mode():
        cond = torch.zeros(len(timesteps), config.obs_steps, config.obs_dim)
        tokens: Array = dpt.memory(torch.tensor(timesteps), cond)[:, 0].double().numpy()
    return tokens


def time_table(matrices: HeadMatrices, tokens: Array, config: DPTConfig) -> tuple[Float32, Float32, Float32]:
    """A (n, L, H, d), bias (n, L, H) and B (n, L, H, d) of time tokens (n, d)."""
    layers, heads, width = config.layers, config.heads, config.width
    a, bias, b = matrices.fold(tokens)
    shapes = (-1, layers, heads, width), (-1, layers, heads), (-1, layers, heads, width)
    tables = [
        np.ascontiguousarray(x.reshape(shape), np.float32)
        for x, shape in zip((a, bias, b), shapes, strict=True)
    ]
    return tables[0], tables[1], tables[2]


def require_token_wise(n_cond_layers: int) -> None:
    """Raise ValueError for conditioning by a transformer encoder."""
    if n_cond_layers:
        raise ValueError(
            f"this engine needs token-wise conditioning (cond_layers 0), the policy has {n_cond_layers}; "
            "use engine reference"
        )
