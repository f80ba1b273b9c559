"""``random9``: 9 % of the blocks at random places, the same for every observation; for timing."""

from __future__ import annotations

from sag_ros.pruning.mask_sources.fixed import FixedMask
from sag_ros.pruning.mask_sources.protocol import MaskSource, Request
from sag_ros.pruning.static_masks import random_mask


def _build(request: Request) -> MaskSource:
    percent = request.number_or(9)
    mask = random_mask(request.steps, request.blocks, percent / 100, seed=0)
    return FixedMask(mask, "type", f"random{percent}")


SOURCES = {"random": _build}
