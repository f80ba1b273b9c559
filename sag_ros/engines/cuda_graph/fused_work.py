"""The works of engine ``cuda_graph`` with everything between the matrix products in Triton kernels.

A self-attention or feed-forward is five kernels instead of nine, a cross-attention or the end of a step one
instead of a dozen, and a stretch of idle steps one in all.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from sag_ros.engines.cuda_graph import fused_kernels as kernels
from sag_ros.engines.gpu.blocks import Conditioning, tensor
from sag_ros.engines.gpu.state import Constants, State
from sag_ros.engines.gpu.triton.constants import tail_constants
from sag_ros.engines.gpu.triton.sizes import Sizes
from sag_ros.engines.gpu.work import Blocks, LaunchWork
from sag_ros.engines.savings.folded_weights import FoldedWeights

WARPS = 8


class NormalisedBlocks(Blocks, Protocol):
    """Blocks that also take the normalised stream (T', d), in the format ``dtype``."""

    dtype: torch.dtype

    def normalised_attention(self, layer: int, x: Tensor, out: Tensor) -> None:
        """Residual (T', d) of a self-attention."""
        ...

    def normalised_forward(self, layer: int, x: Tensor, out: Tensor) -> None:
        """Residual (T', d) of a feed-forward."""
        ...


class FusedWork(LaunchWork):
    """See ``LaunchWork``; samples are always traced, which costs nothing here."""

    stretches = ()

    def __init__(
        self,
        state: State,
        constants: Constants,
        conditioning: Conditioning,
        blocks: NormalisedBlocks,
        weights: FoldedWeights,
        sizes: Sizes,
    ) -> None:
        super().__init__(state, constants, conditioning, blocks)
        self._normalised_blocks, device = blocks, state.h.device
        layers, _, memory, heads, width = state.memory.shape
        self._x = torch.zeros_like(state.h, dtype=blocks.dtype)
        self._frames = torch.zeros(layers, 2, memory - 1, heads, width, device=device)
        self._frame_bias = torch.zeros(layers, memory - 1, heads, device=device)
        self._tail = tensor(tail_constants(weights, sizes.TOKENS, sizes.AP), torch.float32).to(device)
        self._stream = {"TOKENS": sizes.TOKENS, "BT": sizes.BT, "WIDTH": sizes.WIDTH, "num_warps": WARPS}
        self._sample = {
            "ACTIONS": sizes.ACTIONS, "AP": sizes.AP, "PER_TOKEN": sizes.PER_TOKEN, "PRODUCTS": sizes.PRODUCTS
        }  # fmt: skip
        self._memory = {
            "STEPS": sizes.STEPS, "HEADS": sizes.HEADS, "FRAMES": sizes.FRAMES, "MEMORY": sizes.MEMORY,
            "PRODUCTS": sizes.PRODUCTS,
        }  # fmt: skip

    def condition(self) -> None:
        """See ``LaunchWork``."""
        a, bias, b = self._conditioning(self._state.features)
        self._frames[:, 0].copy_(a)
        self._frames[:, 1].copy_(b)
        self._frame_bias.copy_(bias)

    def enter_block(self, index: int, slots: int) -> None:
        """See ``LaunchWork``."""
        state, constants = self._state, self._constants
        layer, kind = divmod(index, 3)
        out, table = state.cache[index % slots], state.weights(slots)
        before = state.counters, table, state.cache, state.h
        if kind == 1:
            kernels.enter_cross_attention[(1,)](
                *before, constants.time, constants.time_bias, self._frames, self._frame_bias, layer, out,
                SLOTS=slots, **self._stream, **self._memory,
            )  # fmt: skip
            return
        kernels.enter[(1,)](*before, self._x, SLOTS=slots, **self._stream)
        if kind == 0:
            self._normalised_blocks.normalised_attention(layer, self._x, out)
        else:
            self._normalised_blocks.normalised_forward(layer, self._x, out)

    def all_blocks(self, slots: int) -> None:
        """See ``LaunchWork``; each takes its row of weights."""
        for index in range(self.blocks):
            self.enter_block(index, slots)

    def end_step(self, slots: int, estimate: bool = False, traced: bool = False) -> None:
        """See ``LaunchWork``."""
        rows = self._constants.estimates if estimate else self._constants.rows
        kernels.end_step[(1,)](*self._of_sample(slots, rows), SLOTS=slots, **self._stream, **self._sample)

    def begin_idle(self, slots: int) -> None:
        """The whole stretch."""
        arguments = self._of_sample(slots, self._constants.rows)
        kernels.idle[(1,)](*arguments, SLOTS=slots, **self._stream, **self._sample)

    def _of_sample(self, slots: int, rows: Tensor) -> tuple[Tensor, ...]:
        state = self._state
        before = state.counters, state.weights(slots), state.cache, state.h, state.x
        return *before, self._tail, rows, state.noise, state.samples
