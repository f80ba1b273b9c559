"""The pruner by code that numba compiles for this CPU.

In float32 it decides as the reference does. In whole numbers its margins differ by some 1e-4 of the largest,
which decides otherwise only where it hardly matters; attention is float32 in both.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sag_ros.engines.buffers import aligned
from sag_ros.engines.native.microkernel import LANES, quickest_precision
from sag_ros.engines.native.packed_matmul import operand, pack, tile_of
from sag_ros.engines.native.pruner_kernels import Buffers, begin, encode, finish
from sag_ros.engines.native.pruner_weights import input_weights, layer_weights, output_weights
from sag_ros.engines.pruner_margins import MaskDecision, require_features
from sag_ros.engines.savings.cross_attention import HIDDEN
from sag_ros.pruning.plan import Reuse
from sag_ros.pruning.pruner import Pruner, PrunerConfig
from sag_ros.values import Mask


def obstacle(config: PrunerConfig) -> str | None:
    """Why a pruner cannot be executed here; None if it can."""
    head = config.width // config.heads
    for name, size in (
        ("width", config.width),
        ("feedforward", config.feedforward),
        ("width of a head", head),
    ):
        if size % LANES:
            return f"the pruner's {name} {size} is not a multiple of {LANES}"
    return None


def choose_form(form: str) -> str:
    """``auto`` -> whole numbers where the engine takes them, else float32; bfloat16 is too coarse."""
    return form if form != "auto" else "whole" if quickest_precision() == "int16" else "f32"


class NativeSagMask:
    """The mask predicted by the pruner."""

    def __init__(self, pruner: Pruner, name: str = "sag", reuse: Reuse = "type", form: str = "auto") -> None:
        """Pack the weights. Raises ValueError for sizes that do not fit the CPU's vectors."""
        self.name, self.reuse = name, reuse
        self._config = config = pruner.eval().config
        reason = obstacle(config)
        if reason:
            raise ValueError(reason)
        self._decide = MaskDecision(pruner, reuse)
        self.masks = self._decide.masks
        rows = config.steps + config.obs_steps
        form = self._form = choose_form(form)
        self._tiles = tile_of(rows, form), tile_of(rows, "f32")
        self._inputs = input_weights(pruner)
        self._layers = tuple(layer_weights(layer, config.heads, form) for layer in pruner.encoder.layers)
        self._outputs = output_weights(pruner, form)
        padded = -(-rows // (2 * LANES)) * 2 * LANES
        width, size = config.width, config.width // config.heads
        self._buffers = Buffers(
            aligned(rows, width),
            aligned(rows, width),
            operand(rows, width, form),
            aligned(rows, 3 * width),
            aligned(rows, width),
            aligned(rows, config.feedforward),
            operand(rows, config.feedforward, form),
            aligned(rows, size),
            pack(np.zeros((padded, size)), "f32"),
            pack(np.zeros((size, padded)), "f32"),
            aligned(rows, padded),
            aligned(padded),
            aligned(size),
            aligned(padded, dtype=np.int32),
            aligned(rows),
            aligned(rows, len(self._outputs.margin.bias)),
        )
        self._buffers.unseen[rows:] = HIDDEN
        self._obs = aligned(config.obs_steps, config.obs_dim)
        self._margin = np.zeros((config.steps, config.blocks), np.float32)

    def mask(self, obs_features: NDArray[np.float32]) -> Mask:
        """(To, D) -> mask (K, 3L); see ``Pruner.mask``."""
        require_features(obs_features, self._config)
        self._obs[...] = obs_features
        layers, buffers, heads = self._layers, self._buffers, self._config.heads
        begin(self._obs, self._inputs, buffers)
        for number, layer in enumerate(layers):
            encode(*self._tiles, layer, number == 0, self._config.obs_steps, heads, self._inputs, buffers)
        finish(self._tiles[0], self._outputs, buffers, self._margin)
        return self._decide(self._margin)
