"""Masks (K, 3L) that need neither a policy nor data."""

from __future__ import annotations

import numpy as np

from sag_ros.pruning.plan import Reuse
from sag_ros.pruning.pruner import FORCED_BLOCKS
from sag_ros.values import Mask


def dense_mask(steps: int, blocks: int) -> Mask:
    """Nothing pruned."""
    return Mask(np.zeros((steps, blocks), np.bool_))


def uniform_mask(steps: int, blocks: int, every: int) -> Mask:
    """All blocks of every ``every``-th step, none in between (EfficientVLA, arXiv 2506.10100, step cache)."""
    if every < 1:
        raise ValueError(f"a uniform schedule refreshes every N-th step, N >= 1; got {every}")
    pruned = np.ones((steps, blocks), np.bool_)
    pruned[::every] = False
    return Mask(pruned)


def geometric_mask(steps: int, blocks: int, count: int) -> Mask:
    """All blocks of ``count`` steps, geometrically denser towards the end; none in between.

    Step 0 fills the caches, the last step is always computed. Distances from the end grow by a constant
    factor: 10 of 100 steps are 0, 40, 64, 78, 87, 92, 95, 97, 98, 99. No search and no training.

    Raises:
        ValueError: not 1 <= count <= steps.
    """
    if not 1 <= count <= steps:
        raise ValueError(f"a geometric schedule computes N of {steps} steps, 1 <= N <= {steps}; got {count}")
    exponents = np.linspace(0.0, 1.0, count) if count > 1 else np.ones(1)
    distances = steps**exponents - 1.0
    chosen = np.round(distances).astype(int)
    for number in range(1, count):  # the last steps would coincide
        chosen[number] = max(chosen[number], chosen[number - 1] + 1)
    chosen = np.minimum(chosen, steps - count + np.arange(count))
    pruned = np.ones((steps, blocks), np.bool_)
    pruned[steps - 1 - chosen] = False
    return Mask(pruned)


def random_mask(steps: int, blocks: int, density: float, seed: int, reuse: Reuse = "type") -> Mask:
    """``density`` of the blocks computed, at random places; always valid. For tests and timing.

    For the rule ``gate`` what a pruned block reads is random, too.
    """
    if not 0.0 <= density <= 1.0:
        raise ValueError(f"density must be in [0, 1]; got {density}")
    forced = FORCED_BLOCKS if reuse == "type" else blocks
    pruned = np.ones(steps * blocks, np.bool_)
    pruned[:forced] = False
    others = max(round(density * steps * blocks) - forced, 0)
    rng = np.random.default_rng(seed)
    pruned[rng.permutation(np.arange(forced, steps * blocks))[:others]] = False
    source = rng.random((steps, blocks)) < 0.5 if reuse == "gate" else None
    return Mask(pruned.reshape(steps, blocks), source)


def forced_blocks(blocks: int, reuse: Reuse) -> int:
    """How many blocks of step 0 always run, because nothing was cached before: one for each cache slot."""
    return FORCED_BLOCKS if reuse == "type" else blocks
