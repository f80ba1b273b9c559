"""Name of a sampler -> coefficient table: ``ddpm``, ``ddim30``."""

from __future__ import annotations

import re
from collections.abc import Callable

from sag_ros.policy.samplers.ddim import ddim_table
from sag_ros.policy.samplers.ddpm import ddpm_table
from sag_ros.policy.schedule import CoefficientTable

# builder(K, number in the name or None, clip)
Builder = Callable[[int, "int | None", float], CoefficientTable]


def _ddpm(K: int, steps: int | None, clip: float) -> CoefficientTable:
    if steps not in (None, K):
        raise ValueError(f"ddpm runs all {K} steps of this policy; got ddpm{steps}, use ddpm or ddim{steps}")
    return ddpm_table(K, clip)


def _ddim(K: int, steps: int | None, clip: float) -> CoefficientTable:
    return ddim_table(K, K if steps is None else steps, clip)


SAMPLERS: dict[str, Builder] = {"ddpm": _ddpm, "ddim": _ddim}


def build_table(name: str, K: int, clip: float = 1.0) -> CoefficientTable:
    """Table of sampler ``name`` for a policy trained with K steps.

    Args:
        name: key of ``SAMPLERS``, optionally followed by a number of steps (``ddim30``).
        clip: bound on x0; infinity for none.

    Raises:
        ValueError: unknown name, or a number of steps the sampler cannot take.
    """
    match = re.fullmatch(r"([a-z_]+?)(\d+)?", name)
    if match is None or match[1] not in SAMPLERS:
        known = ", ".join(SAMPLERS)
        raise ValueError(f"sampler '{name}' does not exist; available: {known}, with steps as in ddim30")
    return SAMPLERS[match[1]](K, int(match[2]) if match[2] else None, clip)
