"""Small random changes of a mask, for the search of a static schedule."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sag_ros.pruning.pruner import FORCED_BLOCKS

TYPES = 3  # self-attention, cross-attention, feed-forward
FARTHEST_SHIFT = 4  # steps


def mutate(pruned: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
    """One change, sometimes two, of a mask (K, 3L), True = pruned; the first SA, CA and FFN stay computed.

    A change is: prune or compute a block, prune or compute a layer of a step, prune a whole step, swap two
    near steps, compute in some step what another one computes, move a block to another layer of its step.
    The steps they concern are those that compute something: there is little to gain elsewhere.
    """
    changed = pruned.copy()
    for _ in range(1 + int(rng.random() < 0.3)):
        _change(changed, rng)
        changed[0, :FORCED_BLOCKS] = False
    return changed


def _change(pruned: NDArray[np.bool_], rng: np.random.Generator) -> None:
    steps, blocks = pruned.shape
    active = np.flatnonzero(~pruned[1:].all(axis=1)) + 1
    step = int(rng.choice(active)) if len(active) else int(rng.integers(steps))
    computed = np.flatnonzero(~pruned[step])
    kind = rng.random()
    if kind < 0.4 and len(computed):
        pruned[step, rng.choice(computed)] = True
    elif kind < 0.6:
        pruned[step, rng.integers(blocks)] = False
    elif kind < 0.8:
        other = int(np.clip(step + rng.integers(-FARTHEST_SHIFT, FARTHEST_SHIFT + 1), 0, steps - 1))
        pruned[[step, other]] = pruned[[other, step]]
    elif kind < 0.87:
        pruned[step] = True
    elif kind < 0.92:
        pruned[rng.integers(steps)] &= pruned[step]
    elif kind < 0.96:
        first = TYPES * int(rng.integers(blocks // TYPES))
        pruned[step, first : first + TYPES] = rng.random() < 0.5
    elif len(computed):
        block = int(rng.choice(computed))
        pruned[step, block] = True
        pruned[step, (block + TYPES * int(rng.integers(blocks // TYPES))) % blocks] = False
