"""A static schedule for the pruner to start from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sag_ros.pruning.pruner import FORCED_BLOCKS


def spread_prior(steps: int, blocks: int, density: float) -> NDArray[np.bool_]:
    """Whole steps, spread evenly with the last one included, as many as ``density`` allows: (K, 3L), True = pruned."""
    full = max(1, round(density * steps))
    pruned = np.ones((steps, blocks), np.bool_)
    pruned[np.linspace(steps / full - 1, steps - 1, full).round().astype(int)] = False
    pruned[0, :FORCED_BLOCKS] = False
    return pruned
