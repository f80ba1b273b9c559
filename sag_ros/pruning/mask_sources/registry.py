"""Name of a mask source -> source. Each file of this folder that declares ``SOURCES`` adds its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sag_ros.declared import declared
from sag_ros.pruning.mask_sources.fresh_cross_attention import FRESH_CROSS_ATTENTION, FreshCrossAttention
from sag_ros.pruning.mask_sources.protocol import Builder, Execute, MaskSource, Request
from sag_ros.pruning.mask_sources.sag import SagMask

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle

MASK_SOURCES: dict[str, Builder] = {
    name: build
    for sources in declared("sag_ros.pruning.mask_sources", "SOURCES")
    for name, build in sources.items()
}


def build_mask_source(name: str, bundle: PolicyBundle, steps: int, execute: Execute = SagMask) -> MaskSource:
    """Mask source ``name`` for ``bundle`` under a sampler of ``steps`` steps.

    Args:
        name: key of ``MASK_SOURCES``, optionally with a number: ``uniform10`` refreshes every 10th step,
            ``random9``, ``sag9``, ``bac9`` compute 9 % of the blocks. With ``+ca`` behind it no
            cross-attention is pruned.
        execute: executor of pruners.

    Raises:
        ValueError: unknown name, or the bundle has no (fitting) pruner or schedule.
    """
    if name.endswith(FRESH_CROSS_ATTENTION):
        base = name.removesuffix(FRESH_CROSS_ATTENTION)
        return FreshCrossAttention(build_mask_source(base, bundle, steps, execute))
    match = re.fullmatch(r"([a-z_]+(?:\d+[a-z_]+)*)(\d+)?", name)
    if match is None or match[1] not in MASK_SOURCES:
        known = f"{', '.join(MASK_SOURCES)}, with N as in uniform10, and +ca"
        raise ValueError(f"mask source {name!r} does not exist; available: {known}")
    number = int(match[2]) if match[2] else None
    return MASK_SOURCES[match[1]](Request(bundle, steps, name, number, execute))
