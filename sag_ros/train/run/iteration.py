"""What iteration number ``i`` does, as a function of ``i`` and the seed alone.

Order of samples, random numbers and learning rate have no state of their own, so a resumed run needs
nothing but the iteration to continue exactly, and validation in between changes nothing.
"""

from __future__ import annotations

import math

import numpy as np
import torch


def reseed(seed: int, iteration: int) -> None:
    """Seed torch's global generator for one iteration."""
    state = np.random.SeedSequence([seed, iteration]).generate_state(2, np.uint32)
    torch.manual_seed(int(state[0]) << 31 ^ int(state[1]))


def cosine_factor(iteration: int, warmup: int, iterations: int, floor: float = 0.0) -> float:
    """Share of the peak learning rate at ``iteration`` (0 based): linear warm-up, then half a cosine.

    The first iteration has 1/warmup, the one after the last has ``floor``.
    """
    if iteration < warmup:
        return (iteration + 1) / warmup
    progress = min((iteration - warmup) / max(1, iterations - warmup), 1.0)
    return floor + (1.0 - floor) * 0.5 * (1.0 + math.cos(math.pi * progress))


class BatchOrder:
    """Batches of sample numbers 0 ... size-1: each epoch a new permutation, the incomplete batch dropped."""

    def __init__(self, size: int, batch: int, seed: int) -> None:
        if size < 1 or batch < 1:
            raise ValueError(f"need at least one sample and a batch of at least 1; got {size} and {batch}")
        self.size, self.batch, self.seed = size, min(batch, size), seed
        self._epoch, self._permutation = -1, np.empty(0, np.int64)

    def indices(self, iteration: int) -> torch.Tensor:
        """(batch,) int64 sample numbers of an iteration."""
        epoch, position = divmod(iteration, self.size // self.batch)
        if epoch != self._epoch:
            self._epoch = epoch
            self._permutation = np.random.default_rng([self.seed, epoch]).permutation(self.size)
        return torch.from_numpy(self._permutation[position * self.batch : (position + 1) * self.batch].copy())
