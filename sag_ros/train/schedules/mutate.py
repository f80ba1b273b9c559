"""Small random changes of a mask, for the search of a static schedule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sag_ros.pruning.pruner import FORCED_BLOCKS

TYPES = 3  # self-attention, cross-attention, feed-forward
FARTHEST_SHIFT = 4  # steps


@dataclass(frozen=True)
class MutationSpace:
    """Which masks are allowed.

    Attributes:
        forced: how many blocks of step 0 always run.
        per_block: every block keeps the number of steps in which it is computed (the ablation of Sparse
            ActionGen with a budget for each block); else only the total counts.
    """

    forced: int = FORCED_BLOCKS
    per_block: bool = False


FREE = MutationSpace()


def mutate(
    pruned: NDArray[np.bool_], rng: np.random.Generator, space: MutationSpace = FREE
) -> NDArray[np.bool_]:
    """One change, sometimes two, of a mask (n, 3L), True = pruned, within ``space``.

    A change is: prune or compute a block, prune or compute a layer of a step, prune a whole step, swap two
    near steps, compute in some step what another one computes, move a block to another layer of its step.
    The steps they concern are those that compute something: there is little to gain elsewhere. With a budget
    for each block it is: compute a block in another step instead.
    """
    changed = pruned.copy()
    for _ in range(1 + int(rng.random() < 0.3)):
        if space.per_block:
            _shift(changed, rng, space.forced)
        else:
            _change(changed, rng)
            changed[0, : space.forced] = False
    return changed


def _shift(pruned: NDArray[np.bool_], rng: np.random.Generator, forced: int) -> None:
    steps, blocks = pruned.shape
    block = int(rng.integers(blocks))
    first = 1 if block < forced else 0
    computed = np.flatnonzero(~pruned[first:, block]) + first
    if not len(computed):
        return
    step = int(rng.choice(computed))
    if rng.random() < 0.5:
        other = int(np.clip(step + rng.integers(-FARTHEST_SHIFT, FARTHEST_SHIFT + 1), first, steps - 1))
    else:
        other = int(rng.integers(first, steps))
    pruned[[step, other], block] = pruned[[other, step], block]


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
