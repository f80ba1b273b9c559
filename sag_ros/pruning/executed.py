"""What a fast engine still computes under a plan, and which weights it has to read for it.

With the exact savings that the engines use: only tokens that influence executed actions, conditioning once a
chunk and cross-attention folded per head. Fully pruned steps stay in action space.
"""

from __future__ import annotations

import numpy as np

from sag_ros.pruning.flops import NetworkSize
from sag_ros.pruning.plan import Plan


def _computed(plan: Plan) -> tuple[int, int, int, int, int]:
    """Computed SA, CA and FFN blocks, steps that compute any, steps that compute none."""
    computed = ~plan.mask.pruned
    kinds = [int(computed[:, kind::3].sum()) for kind in range(3)]
    active = int(computed.any(axis=1).sum())
    return kinds[0], kinds[1], kinds[2], active, plan.steps - active


def executed_gflop(size: NetworkSize, plan: Plan, tokens: int, heads: int = 4) -> float:
    """GFLOP of one chunk with ``tokens`` of the T action tokens."""
    attention, cross, forward, active, idle = _computed(plan)
    width, memory, frames = size.width, size.memory, size.memory - 1
    macs = attention * (4 * tokens * width**2 + 2 * tokens**2 * width)
    macs += cross * 2 * tokens * width * heads * memory
    macs += forward * 8 * tokens * width**2
    macs += active * 2 * tokens * size.action * width  # embedding and head
    macs += idle * tokens * 3 * size.action**2
    if cross:  # memory MLP, keys and values of all layers and their folding, for the frames
        macs += frames * (size.features * width + 8 * width**2 + size.layers * 4 * width**2)
    return 2e-9 * macs


def weight_bytes(size: NetworkSize, plan: Plan, each: float, conditioning_each_step: bool) -> float:
    """Bytes of weights read by one chunk when nothing stays in a cache, ``each`` per weight.

    Args:
        conditioning_each_step: the memory MLP and the projections of the memory run in every step, as in the
            public code; else once, and cross-attention reads no weights.
    """
    attention, cross, forward, active, _ = _computed(plan)
    square = size.width**2
    weights = attention * 4 * square + forward * 8 * square + active * 2 * size.action * size.width
    conditioning = size.features * size.width + 8 * square
    if conditioning_each_step:
        weights += cross * 4 * square + plan.steps * conditioning
    elif cross:
        weights += conditioning + size.layers * 4 * square
    return float(np.round(each * weights))
