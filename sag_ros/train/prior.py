"""A static schedule for the pruner to start from."""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray

from sag_ros.pruning.pruner import FORCED_BLOCKS


def leading_prior(
    steps: int, blocks: int, density: float, layers: int = 2, final: int = 2
) -> NDArray[np.bool_]:
    """The first layers in every n-th step and all layers in the last steps: (K, 3L) bool, True = pruned.

    With caches shared by type the pruned layers then repeat what the last of the first layers added. Whole
    steps instead would leave the residuals of the last layer in the caches, a poor stand-in for all others.

    Args:
        steps, blocks: K and 3L.
        density: largest share of computed blocks; n is chosen to keep it.
        layers: how many first layers, at most L.
        final: how many last steps are computed whole, fewer where the density does not allow them.

    Raises:
        ValueError: the density does not even allow the first layers in one step.
    """
    each = 3 * min(layers, blocks // 3)
    budget = density * steps * blocks
    if budget < each:
        raise ValueError(
            f"density {density} allows {budget:.0f} blocks; one step of {layers} layers has {each}"
        )
    final = min(final, int(0.5 * budget / blocks))
    every = max(1, ceil(each * (steps - final) / (budget - final * blocks) - 1e-9))
    pruned = np.ones((steps, blocks), np.bool_)
    pruned[(steps - 1) % every :: every, :each] = False
    pruned[steps - final :] = False
    pruned[0, :FORCED_BLOCKS] = False
    return pruned
