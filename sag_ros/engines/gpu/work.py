"""What the launches of a GPU engine do, on static buffers and without asking the host anything.

Which weights and which step a launch is for, counters on the device say; so one recording serves all launches
of its kind.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from sag_ros.engines.gpu.blocks import Conditioning
from sag_ros.engines.gpu.sampler_step import update
from sag_ros.engines.gpu.state import Constants, State


class Blocks(Protocol):
    """Computes the network's parts; h (T', d), results to ``out``, which is written whole."""

    def self_attention(self, layer: int, h: Tensor, out: Tensor) -> None:
        """Residual (T', d)."""
        ...

    def cross_attention(self, layer: int, h: Tensor, memory: Tensor, bias: Tensor, out: Tensor) -> None:
        """Residual (T', d); memory (2, S, H, d) holds A and B, bias is (T', S, H)."""
        ...

    def feed_forward(self, layer: int, h: Tensor, out: Tensor) -> None:
        """Residual (T', d)."""
        ...

    def head(self, h: Tensor, out: Tensor) -> None:
        """Predicted noise (T', A)."""
        ...


class LaunchWork:
    """The work of each kind of launch, by torch's own kernels.

    Attributes:
        stretches: numbers of idle steps that are recorded as one, largest first; () where
            :meth:`begin_idle` does the whole stretch and embeds what follows.
    """

    stretches: tuple[int, ...] = (16, 4, 1)

    def __init__(
        self, state: State, constants: Constants, conditioning: Conditioning, blocks: Blocks
    ) -> None:
        self._state, self._constants = state, constants
        self._conditioning, self._blocks = conditioning, blocks
        self._eps = torch.zeros_like(state.x)

    @property
    def steps(self) -> int:
        """n, steps of the sampler."""
        return len(self._state.noise) - 1

    @property
    def blocks(self) -> int:
        """3L."""
        return len(self._state.cache)

    def begin(self) -> None:
        """Take the first sample. The cache is cleared: stale residuals are added with weight 0, and 0 times
        not-a-number is not 0."""
        state = self._state
        state.cache.zero_()
        state.x.copy_(state.noise[0])
        self.embed()

    def condition(self) -> None:
        """The frames' part of the memory, from the features."""
        state = self._state
        a, bias, b = self._conditioning(state.features)
        state.memory[:, 0, 1:].copy_(a)
        state.memory[:, 1, 1:].copy_(b)
        torch.add(bias[:, None], self._constants.hidden, out=state.bias[:, :, 1:])

    def embed(self) -> None:
        """The embedded sample into the stream."""
        torch.addmm(self._constants.positions, self._state.x, self._constants.embed, out=self._state.h)

    def enter(self, slots: int) -> None:
        """Add the cached residuals that the next row of weights names: one product."""
        state = self._state
        row = state.weights(slots).index_select(0, state.entry)[:, :slots]
        state.h.view(1, -1).addmm_(row, state.cache[:slots].flatten(1))
        state.entry.add_(1)

    def block(self, index: int, slots: int) -> None:
        """Block ``index`` (0 ... 3L - 1) of the stream, into its cache slot."""
        layer, kind = divmod(index, 3)
        state, out = self._state, self._state.cache[index % slots]
        if kind == 0:
            self._blocks.self_attention(layer, state.h, out)
        elif kind == 2:
            self._blocks.feed_forward(layer, state.h, out)
        else:
            memory, bias = state.memory[layer], state.bias[layer]
            memory[:, 0].copy_(self._constants.time[layer].index_select(0, state.step)[0])
            bias[:, 0].copy_(self._constants.time_bias[layer].index_select(0, state.step))
            self._blocks.cross_attention(layer, state.h, memory, bias, out)

    def enter_block(self, index: int, slots: int) -> None:
        """:meth:`enter`, then :meth:`block`."""
        self.enter(slots)
        self.block(index, slots)

    def all_blocks(self, slots: int) -> None:
        """All blocks of a step; the last one's residual is left to the next :meth:`enter`."""
        count = self.blocks
        for index in range(count):
            if index:
                self._state.h.add_(self._state.cache[(index - 1) % slots])
            self.block(index, slots)
        self._state.entry.add_(count)

    def finish(self, estimate: bool = False, traced: bool = False) -> None:
        """Final norm, head and sampler update; the stream is not embedded anew."""
        state, constants = self._state, self._constants
        rows = constants.estimates if estimate else constants.rows
        self._blocks.head(state.h, self._eps)
        row = rows.index_select(0, state.step)[0]
        state.step.add_(1)
        x, noise = state.x, state.noise.index_select(0, state.step)[0]
        update(x, self._eps, row, noise)
        if traced:
            state.samples.index_copy_(0, state.step, x[None])

    def end_step(self, slots: int, estimate: bool = False, traced: bool = False) -> None:
        """The end of a step with computed blocks: cached residuals, :meth:`finish`, the next embedding."""
        self.enter(slots)
        self.finish(estimate, traced)
        self.embed()

    def begin_idle(self, slots: int) -> None:
        """What each of a stretch of idle steps adds to the embedding, by the next row of weights."""
        state, positions = self._state, self._constants.positions
        row = state.weights(slots).index_select(0, state.entry)[:, :slots]
        added = torch.addmm(positions.view(1, -1), row, state.cache[:slots].flatten(1))
        state.offset.copy_(added.view_as(positions))
        state.entry.add_(1)

    def idle_step(self, traced: bool = False) -> None:
        """One step without a computed block."""
        state = self._state
        torch.addmm(state.offset, state.x, self._constants.embed, out=state.h)
        self.finish(traced=traced)
