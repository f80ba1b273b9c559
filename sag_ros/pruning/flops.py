"""Multiply-accumulate counts of DP-T, dense and under a plan (1 MAC = 2 FLOP)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sag_ros.policy.dpt import DPTConfig
from sag_ros.values import Mask


@dataclass(frozen=True)
class NetworkSize:
    """What the count depends on.

    Attributes:
        horizon: action tokens T.
        memory: memory tokens S = 1 + To.
        layers, width: L, d.
        action: action dimension A.
        features: observation features D per frame.
    """

    horizon: int
    memory: int
    layers: int
    width: int
    action: int
    features: int

    def block_macs(self) -> NDArray[np.int64]:
        """(3L,) MACs of each residual block: SA 4Td^2 + 2T^2d, CA 2Td^2 + 2Sd^2 + 2TSd, FFN 8Td^2."""
        tokens, memory, width = self.horizon, self.memory, self.width
        self_attention = 4 * tokens * width**2 + 2 * tokens**2 * width
        cross_attention = 2 * tokens * width**2 + 2 * memory * width**2 + 2 * tokens * memory * width
        feed_forward = 8 * tokens * width**2
        return np.tile(np.array([self_attention, cross_attention, feed_forward], np.int64), self.layers)

    def outer_macs(self) -> int:
        """MACs of one step outside the blocks: embeddings, memory MLP and head."""
        tokens, width = self.horizon, self.width
        embeddings = 2 * tokens * self.action * width + (self.memory - 1) * self.features * width
        return embeddings + 8 * self.memory * width**2

    def dense_macs(self, steps: int) -> int:
        """MACs of ``steps`` unpruned steps as the public code runs them."""
        return steps * (int(self.block_macs().sum()) + self.outer_macs())

    def mask_macs(self, mask: Mask) -> int:
        """MACs left under ``mask``, the conditioning still computed in every step (SAG as published)."""
        steps, blocks = mask.pruned.shape
        if blocks != 3 * self.layers:
            raise ValueError(f"the mask has {blocks} blocks a step; need {3 * self.layers}")
        return int((~mask.pruned).sum(axis=0) @ self.block_macs()) + steps * self.outer_macs()


def network_size(config: DPTConfig) -> NetworkSize:
    """Size of a DP-T."""
    return NetworkSize(
        config.horizon, config.memory_tokens, config.layers, config.width, config.action_dim, config.obs_dim
    )
