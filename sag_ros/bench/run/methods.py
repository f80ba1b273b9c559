"""Names of methods: a sampler × a mask source, both from their registries, on a bundle."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

FRESH_CROSS_ATTENTION = "+ca"  # as in pruning.mask_sources, which would import torch


@dataclass(frozen=True)
class Method:
    """What is measured.

    Attributes:
        name: as the user wrote it.
        sampler: name for ``policy.samplers.build_sampler``.
        mask_source: name for ``pruning.mask_sources.build_mask_source``.
        bundle: folder of the policy bundle, as written behind ``@``; empty: the one of the run.
    """

    name: str
    sampler: str
    mask_source: str
    bundle: str = ""

    @property
    def family(self) -> str:
        """The name without its numbers: methods of one family differ in how much they compute."""
        base, at, folder = self.name.partition("@")
        return re.sub(r"\d+(?=\+|$)", "", base) + at + folder


def parse_method(name: str, samplers: Collection[str], mask_sources: Collection[str]) -> Method:
    """Resolve a name: parts joined by ``+``, each on one axis; what is not named is ``ddpm`` and ``dense``.

    ``dense`` = ddpm+dense, ``ddim30`` = ddim30+dense, ``sag`` = ddpm+sag, ``ddim30+sag`` is both. With ``ca``
    as one more part no cross-attention is pruned, which is not the published method. ``cm3@out/student``
    takes the weights of another bundle.

    Args:
        name: parts may end in a number (``ddim30``, ``uniform10``); behind ``@`` the folder of a bundle.
        samplers, mask_sources: keys of the registries.
    Raises:
        ValueError: a part on no axis, two on the same, or ``@`` without a folder; lists what exists.
    """
    chosen: dict[str, str] = {}
    base, at, folder = name.partition("@")
    if at and not folder:
        raise ValueError(f"method {name!r}: a folder is missing behind @, as in cm3@out/consistency")
    first, *others = base.split("+")
    fresh = FRESH_CROSS_ATTENTION if "ca" in others else ""
    for part in (first, *(other for other in others if other != "ca")):
        word = re.sub(r"\d+$", "", part)
        axis = "sampler" if word in samplers else "mask source" if word in mask_sources else None
        if axis is None:
            raise ValueError(
                f"method {name!r}: {part!r} is neither a sampler ({', '.join(samplers)}) nor a mask source "
                f"({', '.join(mask_sources)}); join one of each by +, as in ddim30+sag"
            )
        if axis in chosen:
            raise ValueError(f"method {name!r} names two of the axis {axis}: {chosen[axis]!r} and {part!r}")
        chosen[axis] = part
    return Method(name, chosen.get("sampler", "ddpm"), chosen.get("mask source", "dense") + fresh, folder)


def parse_methods(names: str) -> list[Method]:
    """Resolve a comma-separated list against the registries; repeated names count once. Raises ValueError."""
    from sag_ros.policy.samplers import SAMPLERS
    from sag_ros.pruning.mask_sources import MASK_SOURCES

    unique = dict.fromkeys(part.strip() for part in names.split(",") if part.strip())
    if not unique:
        raise ValueError("no method was named; for example --methods dense,ddim30,sag")
    return [parse_method(name, SAMPLERS, MASK_SOURCES) for name in unique]
