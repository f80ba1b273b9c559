"""``uniform10``: all blocks of every 10th step (EfficientVLA, arXiv 2506.10100, step cache)."""

from __future__ import annotations

from sag_ros.pruning.mask_sources.fixed import FixedMask
from sag_ros.pruning.mask_sources.protocol import MaskSource, Request
from sag_ros.pruning.static_masks import uniform_mask


def _build(request: Request) -> MaskSource:
    every = request.number_or(10)
    return FixedMask(uniform_mask(request.steps, request.blocks, every), "block", f"uniform{every}")


SOURCES = {"uniform": _build}
