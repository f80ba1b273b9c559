"""The pruner by code that numba compiles for this CPU; in float32, it decides as the reference does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sag_ros.engines.buffers import aligned
from sag_ros.engines.native.microkernel import LANES
from sag_ros.engines.native.packed_matmul import pack, tile_of
from sag_ros.engines.native.pruner_kernels import Buffers, begin, encode, finish
from sag_ros.engines.native.pruner_weights import FORM, input_weights, layer_weights, output_weights
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


class NativeSagMask:
    """The mask predicted by the pruner."""

    def __init__(self, pruner: Pruner, name: str = "sag", reuse: Reuse = "type") -> None:
        """Pack the weights. Raises ValueError for sizes that do not fit the CPU's vectors."""
        self.name, self.reuse = name, reuse
        self._config = config = pruner.eval().config
        reason = obstacle(config)
        if reason:
            raise ValueError(reason)
        self._decide = MaskDecision(pruner, reuse)
        self.masks = self._decide.masks
        rows = config.steps + config.obs_steps
        self._tile = tile_of(rows, FORM)
        self._inputs = input_weights(pruner)
        self._layers = tuple(layer_weights(layer, config.heads) for layer in pruner.encoder.layers)
        self._outputs = output_weights(pruner)
        padded = -(-rows // (2 * LANES)) * 2 * LANES
        width, size = config.width, config.width // config.heads
        self._buffers = Buffers(
            aligned(rows, width),
            aligned(rows, width),
            aligned(rows, 3 * width),
            aligned(rows, width),
            aligned(rows, config.feedforward),
            aligned(rows, size),
            pack(np.zeros((padded, size)), FORM),
            pack(np.zeros((size, padded)), FORM),
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
            encode(self._tile, layer, number == 0, self._config.obs_steps, heads, self._inputs, buffers)
        finish(self._tile, self._outputs, buffers, self._margin)
        return self._decide(self._margin)
