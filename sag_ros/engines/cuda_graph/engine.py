"""CUDA graphs of torch's matrix products: needs nothing but torch with CUDA and any NVIDIA GPU.

A step of this network is hundreds of small kernels, and asking for each costs more than doing it. So every
block is recorded once, and a chunk is a sequence of replays. Where Triton is installed (torch's CUDA builds
for Linux bring it), what lies between the products is fused into few kernels of our own.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from sag_ros.engines.gpu.blocks import Conditioning, CrossAttention, FeedForward, Head, SelfAttention
from sag_ros.engines.gpu.device import DTYPES, choose_device, choose_precision
from sag_ros.engines.gpu.graph_engine import GraphEngine
from sag_ros.engines.gpu.state import Constants, State
from sag_ros.engines.gpu.work import LaunchWork
from sag_ros.engines.savings.folded_weights import FoldedWeights
from sag_ros.policy.schedule import CoefficientTable

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle
    from sag_ros.policy.contract import Contract


class CudaGraphEngine(GraphEngine):
    """Executes plans; everything is allocated and recorded at construction.

    Attributes:
        fused: whether kernels of our own do what lies between the matrix products.
        notes: why they do not, where they could have.
    """

    name = "cuda_graph"

    def __init__(
        self,
        bundle: PolicyBundle,
        table: CoefficientTable,
        precision: str = "auto",
        device: str = "auto",
        all_tokens: bool = False,
        fused: bool | None = None,
    ) -> None:
        """Record every block; takes seconds.

        Args:
            precision: ``f32`` agrees with the reference to 1e-3, ``bf16`` and ``f16`` to about 1e-2 a block;
                ``auto`` is bf16 where the GPU multiplies it, else f16.
            device: ``auto`` is the current GPU; ``cpu`` does the same operations there, for checks.
            all_tokens: compute the tokens behind the executed ones, too.
            fused: with kernels of our own between the matrix products; None: on a GPU where Triton is
                installed and works, and the policy's sizes suit it.

        Raises:
            ValueError: no GPU, unknown precision, conditioning that is not token-wise, or ``fused`` for a
                policy of unsuitable size.
            ImportError: ``fused`` without Triton.
        """
        chosen = choose_device(device)
        self.precision = choose_precision(precision, chosen)
        self.notes: tuple[str, ...] = ()
        if fused is None and chosen.type == "cuda" and fusion_obstacle(bundle.contract, all_tokens) is None:
            try:
                self._build(bundle, table, chosen, True, all_tokens)
                return
            except Exception as error:  # Triton has no C compiler for its launchers, does not know this GPU
                reason = f"{type(error).__name__}: {error}"
            self.notes = (f"torch does what could be fused, since Triton does not work here: {reason}",)
        self._build(bundle, table, chosen, bool(fused), all_tokens)

    def _build(
        self,
        bundle: PolicyBundle,
        table: CoefficientTable,
        device: torch.device,
        fused: bool,
        all_tokens: bool,
    ) -> None:
        self.fused = fused

        def make_work(
            weights: FoldedWeights, state: State, constants: Constants, conditioning: Conditioning
        ) -> LaunchWork:
            heads, dtype = bundle.dpt.config.heads, DTYPES[self.precision]
            blocks = TorchBlocks(weights, heads, len(state.h), dtype, device)
            if not fused:
                return LaunchWork(state, constants, conditioning, blocks)
            from sag_ros.engines.cuda_graph.fused_work import FusedWork
            from sag_ros.engines.gpu.triton.device import require_interpreter, shared_memory_of
            from sag_ros.engines.gpu.triton.sizes import choose_sizes, require_runnable

            require_runnable(bundle.contract, all_tokens)
            require_interpreter(device, 1)
            room = shared_memory_of(device)
            sizes = choose_sizes(bundle.contract, table, "f32", room, 1, all_tokens=all_tokens)
            return FusedWork(state, constants, conditioning, blocks, weights, sizes)

        super().__init__(bundle, table, device, make_work, all_tokens)


def fusion_obstacle(contract: Contract, all_tokens: bool = False) -> str | None:
    """Why the kernels between the products cannot be our own; None when nothing is known."""
    if importlib.util.find_spec("triton") is None:
        return "triton is missing; torch's CUDA builds for Linux bring it"
    from sag_ros.engines.gpu.triton.sizes import require_runnable

    try:
        require_runnable(contract, all_tokens)
    except ValueError as error:
        return str(error)
    return None


class TorchBlocks:
    """Blocks by torch's own kernels."""

    def __init__(
        self, weights: FoldedWeights, heads: int, tokens: int, dtype: torch.dtype, device: torch.device
    ) -> None:
        layers, self.dtype = weights.layers, dtype
        self._attention = [
            SelfAttention(layer.self_attention, heads, tokens, dtype).to(device) for layer in layers
        ]
        self._forward = [FeedForward(layer.feed_forward, dtype).to(device) for layer in layers]
        self._cross, self._head = CrossAttention(), Head(weights.readout).to(device)

    def self_attention(self, layer: int, h: Tensor, out: Tensor) -> None:
        """See ``gpu.work.Blocks``."""
        out.copy_(self._attention[layer](h))

    def cross_attention(self, layer: int, h: Tensor, memory: Tensor, bias: Tensor, out: Tensor) -> None:
        """See ``gpu.work.Blocks``."""
        out.copy_(self._cross(h, memory[0], bias, memory[1]))

    def feed_forward(self, layer: int, h: Tensor, out: Tensor) -> None:
        """See ``gpu.work.Blocks``."""
        out.copy_(self._forward[layer](h))

    def head(self, h: Tensor, out: Tensor) -> None:
        """See ``gpu.work.Blocks``."""
        out.copy_(self._head(h))

    def normalised_attention(self, layer: int, x: Tensor, out: Tensor) -> None:
        """See ``fused_work.NormalisedBlocks``."""
        out.copy_(self._attention[layer].normalised(x))

    def normalised_forward(self, layer: int, x: Tensor, out: Tensor) -> None:
        """See ``fused_work.NormalisedBlocks``."""
        out.copy_(self._forward[layer].normalised(x))
