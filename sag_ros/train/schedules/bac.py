"""Block-wise Adaptive Caching: update steps of each block from the similarity of its residuals.

BAC (arXiv 2506.13456). Dynamic programming chooses for each block the steps in which it is computed, so that
what it adds in the steps between resembles what is cached; then errors that grow from block to block are cut
by the *bubbling union*.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sag_ros.train.schedules.activations import cosine_similarity, mean_distance

FFN, TYPES = 2, 3


def update_steps(similarity: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """The ``count`` update steps, ascending and starting with 0, of the highest total similarity.

    ``DP[m][i] = max_j DP[m - 1][j] + sum_{t = j + 1 ... i} cos(b_{j+1}, b_t)``: a stretch from update step
    ``j + 1`` to ``i`` costs what its residuals differ from the first one's.

    Args:
        similarity: (n, n) between the residuals of one block in two steps.

    Raises:
        ValueError: not 1 <= count <= n.
    """
    steps = len(similarity)
    if not 1 <= count <= steps:
        raise ValueError(f"{count} update steps of {steps} are impossible; need 1 to {steps}")
    stretch = np.triu(similarity).cumsum(axis=1)  # [j, i]: from update step j to i, both included
    best = np.where(np.arange(steps) >= 0, stretch[0], -np.inf)
    starts = np.zeros((count, steps), np.int64)
    for m in range(1, count):
        total = np.full((steps, steps), -np.inf)  # [j, i]: the last stretch starts at j
        total[1:] = best[:-1, None] + stretch[1:]
        total[np.tril_indices(steps, -1)] = -np.inf
        starts[m] = total.argmax(axis=0)
        best = total.max(axis=0)
    chosen = []
    end = steps - 1
    for m in range(count - 1, -1, -1):
        chosen.append(int(starts[m, end]))
        end = chosen[-1] - 1
    return np.array(chosen[::-1])


def bubbling_union(pruned: NDArray[np.bool_], distance: NDArray[np.float64], count: int) -> NDArray[np.bool_]:
    """``count`` blocks of the largest ``distance`` (3L,) are also computed when a deeper FFN is.

    Each takes over the update steps of all FFNs in its own and deeper layers: (n, 3L) -> (n, 3L).
    """
    changed = pruned.copy()
    for block in np.argsort(-distance, kind="stable")[:count]:
        layer = int(block) // TYPES
        changed[:, block] &= pruned[:, TYPES * layer + FFN :: TYPES].all(axis=1)
    return changed


def bac_mask(residuals: NDArray[np.float32], density: float, unions: int = 5) -> NDArray[np.bool_]:
    """Mask (n, 3L), True = pruned, for each block's own cache: as many update steps as ``density`` allows.

    Args:
        residuals: (3L, n, M), see ``activations.block_residuals``.
        unions: blocks of the bubbling union (5 in simulation, 3 on the robot in the paper).

    Raises:
        ValueError: even one update step a block is more than ``density``.
    """
    similarity, distance = cosine_similarity(residuals), mean_distance(residuals)
    blocks, steps = residuals.shape[:2]
    best = None
    for count in range(1, steps + 1):
        pruned = np.ones((steps, blocks), np.bool_)
        for block in range(blocks):
            pruned[update_steps(similarity[block], count), block] = False
        pruned = bubbling_union(pruned, distance, unions)
        if 1.0 - pruned.mean() > density:
            break
        best = pruned
    if best is None:
        raise ValueError(f"density {density} is less than one update step a block, {1.0 / steps:.3g}")
    return best
