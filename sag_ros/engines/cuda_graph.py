"""CUDA graphs of plain torch operations: needs nothing but torch with CUDA and any NVIDIA GPU.

A step of this network is hundreds of small kernels, and asking for each costs more than doing it. So every
block is recorded once, and a chunk is a sequence of replays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from sag_ros.engines.folded import FoldedWeights
from sag_ros.engines.gpu_blocks import CrossAttention, FeedForward, Head, SelfAttention
from sag_ros.engines.gpu_device import DTYPES, choose_device, choose_precision
from sag_ros.engines.graph_engine import GraphEngine
from sag_ros.policy.schedule import CoefficientTable

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle


class CudaGraphEngine(GraphEngine):
    """Executes plans; everything is allocated and recorded at construction."""

    name = "cuda_graph"

    def __init__(
        self,
        bundle: PolicyBundle,
        table: CoefficientTable,
        precision: str = "auto",
        device: str = "auto",
        all_tokens: bool = False,
    ) -> None:
        """Record every block; takes seconds.

        Args:
            precision: ``f32`` agrees with the reference to 1e-3, ``bf16`` and ``f16`` to about 1e-2 a block;
                ``auto`` is bf16 where the GPU multiplies it, else f16.
            device: ``auto`` is the current GPU; ``cpu`` does the same operations there, for checks.
            all_tokens: compute the tokens behind the executed ones, too.

        Raises:
            ValueError: no GPU, unknown precision, or conditioning that is not token-wise.
        """
        chosen = choose_device(device)
        self.precision = choose_precision(precision, chosen)

        def make_blocks(weights: FoldedWeights, tokens: int) -> TorchBlocks:
            return TorchBlocks(weights, bundle.dpt.config.heads, tokens, DTYPES[self.precision], chosen)

        super().__init__(bundle, table, chosen, make_blocks, all_tokens)


class TorchBlocks:
    """Blocks by torch's own kernels."""

    def __init__(
        self, weights: FoldedWeights, heads: int, tokens: int, dtype: torch.dtype, device: torch.device
    ) -> None:
        layers = weights.layers
        self._attention = [
            SelfAttention(layer.self_attention, heads, tokens, dtype).to(device) for layer in layers
        ]
        self._forward = [FeedForward(layer.feed_forward, dtype).to(device) for layer in layers]
        self._cross, self._head = CrossAttention(), Head(weights.readout).to(device)

    def self_attention(self, layer: int, h: Tensor, out: Tensor) -> None:
        """See ``gpu_work.Blocks``."""
        out.copy_(self._attention[layer](h))

    def cross_attention(self, layer: int, h: Tensor, memory: Tensor, bias: Tensor, out: Tensor) -> None:
        """See ``gpu_work.Blocks``."""
        out.copy_(self._cross(h, memory[0], bias, memory[1]))

    def feed_forward(self, layer: int, h: Tensor, out: Tensor) -> None:
        """See ``gpu_work.Blocks``."""
        out.copy_(self._forward[layer](h))

    def head(self, h: Tensor, out: Tensor) -> None:
        """See ``gpu_work.Blocks``."""
        out.copy_(self._head(h))
