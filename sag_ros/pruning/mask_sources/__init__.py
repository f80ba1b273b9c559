"""Where a mask comes from: one of the three independent axes (sampler, mask source, engine).

Front door: :func:`build_mask_source`. A new source is a file here that declares ``SOURCES``.
"""

from __future__ import annotations

from sag_ros.pruning.mask_sources.fixed import FixedMask
from sag_ros.pruning.mask_sources.fresh_cross_attention import FRESH_CROSS_ATTENTION, FreshCrossAttention
from sag_ros.pruning.mask_sources.protocol import Execute, MaskSource, Request
from sag_ros.pruning.mask_sources.registry import MASK_SOURCES, build_mask_source
from sag_ros.pruning.mask_sources.sag import SagMask

__all__ = [
    "FRESH_CROSS_ATTENTION",
    "MASK_SOURCES",
    "Execute",
    "FixedMask",
    "FreshCrossAttention",
    "MaskSource",
    "Request",
    "SagMask",
    "build_mask_source",
]
