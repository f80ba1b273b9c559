"""``geometric10``: all blocks of 10 steps, closer together towards the end. Made by hand."""

from __future__ import annotations

from sag_ros.pruning.mask_sources.fixed import FixedMask
from sag_ros.pruning.mask_sources.protocol import MaskSource, Request
from sag_ros.pruning.static_masks import geometric_mask


def _build(request: Request) -> MaskSource:
    count = request.number_or(10)
    return FixedMask(geometric_mask(request.steps, request.blocks, count), "block", f"geometric{count}")


SOURCES = {"geometric": _build}
