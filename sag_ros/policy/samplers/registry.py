"""Name of a sampler -> coefficient table (``ddpm``, ``ddim30``, ``cm3``), for some a state (``falcon``).

Each file of this folder that declares ``SAMPLER`` is one.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from sag_ros.declared import declared
from sag_ros.policy.contract import Contract
from sag_ros.policy.samplers.protocol import Sampler
from sag_ros.policy.samplers.spec import SamplerSpec, TableBuilder
from sag_ros.policy.schedule import CoefficientTable

TRAINERS = {
    "noise": "sag train policy",
    "streaming": "sag train streaming",
    "consistency": "sag train consistency",
}
"""What trains weights of each ``diffusion.training``."""


def _in_order(specs: Collection[SamplerSpec]) -> list[SamplerSpec]:
    """By training; of one training first the one to begin with, then those without a state, by name."""
    trainings = list(TRAINERS)
    return sorted(specs, key=lambda s: (trainings.index(s.training), not s.first, s.table is None, s.name))


SAMPLERS: dict[str, SamplerSpec] = {
    spec.name: spec for spec in _in_order(declared("sag_ros.policy.samplers", "SAMPLER"))
}
TABLES: dict[str, TableBuilder] = {
    name: spec.table for name, spec in SAMPLERS.items() if spec.table is not None
}


def _parse(name: str, known: Collection[str]) -> tuple[str, int | None]:
    match = re.fullmatch(r"([a-z_]+?)(\d+)?", name)
    if match is None or match[1] not in known:
        available = f"{', '.join(known)}, with steps as in ddim30"
        raise ValueError(f"sampler '{name}' does not exist; available: {available}")
    return match[1], int(match[2]) if match[2] else None


def build_table(name: str, K: int, clip: float = 1.0) -> CoefficientTable:
    """Table of the stateless sampler ``name`` for a policy trained with K steps.

    Args:
        name: key of ``TABLES``, optionally followed by a number of steps (``ddim30``).
        clip: bound on x0; infinity for none.

    Raises:
        ValueError: unknown name, or a number of steps the sampler cannot take.
    """
    base, steps = _parse(name, TABLES)
    return TABLES[base](K, steps, clip)


def table_for(name: str, contract: Contract) -> CoefficientTable:
    """Table of the stateless sampler ``name`` for a policy with ``contract``.

    Raises:
        ValueError: as ``build_table``, or the policy's weights are for other samplers.
    """
    require_training(name, contract.diffusion.training)
    return build_table(name, contract.diffusion.steps, contract.clip)


def build_sampler(name: str, contract: Contract) -> Sampler:
    """Sampler ``name`` for a policy with ``contract``.

    Args:
        name: key of ``SAMPLERS``, optionally followed by a number (``ddim30``, ``falcon10``: on DDIM-10).

    Raises:
        ValueError: unknown name, a number the sampler cannot take, weights of another training, or a
            horizon the sampler cannot use.
    """
    base, steps = _parse(name, SAMPLERS)
    require_training(name, contract.diffusion.training)
    return SAMPLERS[base].build(contract, steps)


def samplers_for(training: str) -> list[str]:
    """Names of the samplers for weights of this ``diffusion.training``."""
    return [name for name, spec in SAMPLERS.items() if spec.training == training]


def require_training(name: str, training: str) -> None:
    """Raise ValueError when sampler ``name`` is not for weights of the contract's ``diffusion.training``, or
    does not exist."""
    needed = SAMPLERS[_parse(name, SAMPLERS)[0]].training
    if training != needed:
        fitting = ", ".join(samplers_for(training)) or "none of this version"
        raise ValueError(
            f"sampler {name!r} needs a policy with diffusion.training {needed!r} ({TRAINERS[needed]}); "
            f"the contract says {training!r}, whose samplers are: {fitting}"
        )
