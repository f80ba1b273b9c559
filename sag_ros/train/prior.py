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


def firmness(
    pruned: NDArray[np.bool_], near: float, far: float, reach: int = 4, kinds: int = 3
) -> NDArray[np.float32]:
    """How firmly each gate of a start schedule is believed: (K, 3L) positive logits.

    ``near`` for the gates of a layer that computes something within ``reach`` steps, ``far`` for the others.
    A block computed where its layer was silent replaces what all others have been reusing: finite differences
    there often contradict the gradient, so it needs more evidence.
    """
    alive = (~pruned).reshape(len(pruned), -1, kinds).any(axis=2)
    spread = alive.copy()
    for shift in range(1, reach + 1):
        spread[shift:] |= alive[:-shift]
        spread[:-shift] |= alive[shift:]
    return np.where(np.repeat(spread, kinds, axis=1), near, far).astype(np.float32)
