"""Static schedules for a search, and so for the pruner, to start from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sag_ros.pruning.plan import Reuse

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


def late_steps(steps: int, blocks: int, count: int) -> NDArray[np.bool_]:
    """``count`` whole steps, the closer together the later: (n, 3L) bool, True = pruned.

    For caches of each block's own: they fill in step 0, and the last steps decide the details.

    Raises:
        ValueError: not 1 <= count <= steps.
    """
    if not 1 <= count <= steps:
        raise ValueError(f"{count} of {steps} steps cannot be computed; need 1 to {steps}")
    spread = (np.arange(count) / max(count - 1, 1)) ** 2
    chosen = np.round((steps - 1) * (1.0 - spread)).astype(int)
    chosen = np.minimum(chosen, steps - 1 - np.arange(count))  # the last ones would coincide
    pruned = np.ones((steps, blocks), np.bool_)
    pruned[chosen[: count - 1]] = False
    pruned[0] = False
    return pruned


def starts(
    steps: int, blocks: int, density: float, reuse: Reuse, per_block: bool = False
) -> list[NDArray[np.bool_]]:
    """Schedules of at most about ``density`` to start a search from; the best one depends on the policy.

    Args:
        reuse: caches of each block's own ask for whole steps, shared ones rather for the first layers alone.
        per_block: only those in which every block is computed in as many steps.
    """
    count = int(np.clip(round(density * steps), 1, steps))
    tail = np.ones((steps, blocks), np.bool_)
    tail[0] = False
    tail[steps - max(count - 1, 0) :] = False
    found = [late_steps(steps, blocks, count), tail]
    if reuse == "type" and not per_block:
        for layers in (1, 2, 3, 4):
            try:
                found.append(late_prior(steps, blocks, 1.3 * density, layers))
            except ValueError:  # even the sparsest has more
                continue
    return found


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
