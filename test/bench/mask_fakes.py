"""Masks and episodes without simulation or policy."""

from __future__ import annotations

import numpy as np

from sag_ros.bench.masks.record import ADAPTIVE, MaskEpisode, digest, encode_mask
from sag_ros.values import Mask

STEPS, BLOCKS = 5, 6


def mask(*computed: tuple[int, int]) -> Mask:
    """The first three blocks, and ``computed`` (step, block)."""
    pruned = np.ones((STEPS, BLOCKS), np.bool_)
    pruned[0, :3] = False
    for step, block in computed:
        pruned[step, block] = False
    return Mask(pruned)


def name(of: Mask) -> str:
    return digest(encode_mask(of))


def episode(
    seed: int,
    used: list[tuple[str, Mask]],
    success: bool = True,
    method: str = ADAPTIVE,
    distance: float = 0.01,
) -> MaskEpisode:
    """An episode with one (phase, mask) for each inference."""
    return MaskEpisode(
        method=method,
        seed=seed,
        success=success,
        message="",
        seconds=0.4 * len(used),
        distance=distance,
        density=float(np.mean([m.density for _, m in used])) if used else 1.0,
        times=[0.4 * i for i in range(len(used))],
        phases=[phase for phase, _ in used],
        masks=[name(m) for _, m in used],
        bits={name(m): encode_mask(m) for _, m in used},
    )
