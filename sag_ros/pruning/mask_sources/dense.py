"""``dense``: nothing is pruned."""

from __future__ import annotations

from sag_ros.pruning.mask_sources.fixed import FixedMask
from sag_ros.pruning.mask_sources.protocol import MaskSource, Request
from sag_ros.pruning.static_masks import dense_mask


def _build(request: Request) -> MaskSource:
    return FixedMask(dense_mask(request.steps, request.blocks), "type", "dense")


SOURCES = {"dense": _build}
