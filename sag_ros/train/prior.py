"""A static schedule for the pruner to start from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TAIL = 4  # last steps that all compute the first layers


def late_prior(steps: int, blocks: int, density: float, layers: int = 2) -> NDArray[np.bool_]:
    """The first layers in some steps, mostly late ones: (K, 3L) bool, True = pruned.

    They are computed in the first step, in every n-th of the second half and in each of the last ``TAIL``;
    the very last step is computed whole. With caches shared by type the pruned layers then repeat what the
    last of the first layers added. Whole steps instead would leave the residuals of the last layer in the
    caches, a poor stand-in for all others; and early steps matter little, because the noise hides them.

    Args:
        steps, blocks: K and 3L.
        density: largest share of computed blocks; n is the smallest that keeps it.
        layers: how many first layers, at most L.

    Raises:
        ValueError: the density is too low even without the steps of the second half.
    """
    each = 3 * min(layers, blocks // 3)
    for every in range(1, steps + 1):
        pruned = np.ones((steps, blocks), np.bool_)
        pruned[0, :each] = False
        pruned[steps - 1 : steps // 2 - 1 : -every, :each] = False
        pruned[-TAIL:, :each] = False
        pruned[-1] = False
        if 1.0 - pruned.mean() <= density:
            return pruned
    raise ValueError(f"density {density} is below that of the sparsest schedule, {1.0 - pruned.mean():.4f}")
