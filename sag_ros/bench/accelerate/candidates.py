"""What is compared: all blocks, what needs no search, and what is searched and trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sag_ros.pruning.stored import stored_names

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle

Kind = Literal["dense", "cheap", "searched"]
DENSE = "dense"
FEWER_STEPS, FULL_STEPS = (30, 16, 10, 8, 5), (20, 10, 5, 3)
SEARCHED, TAUGHT = "searched", "sag"


@dataclass(frozen=True)
class Candidate:
    """One way; ``name`` as ``sag bench tasks`` has them, ``kind``: what it takes to get it."""

    name: str
    kind: Kind


def cheap(steps: int, prunable: bool = True) -> list[Candidate]:
    """What anybody can have at once from a policy of so many diffusion steps: DDIM with fewer steps, and
    of transformers full steps at hand-made places (``geometric``)."""
    found = [("ddim", n) for n in FEWER_STEPS]
    if prunable:
        found += [("geometric", n) for n in FULL_STEPS]
    return [Candidate(f"{name}{n}", "cheap") for name, n in found if n < steps]


def searched_name(density: float) -> str:
    """Of the schedule that was searched for a density: ``searched5`` for 5 %."""
    return f"{SEARCHED}{round(100 * density)}"


def all_of(bundle: PolicyBundle, densities: Sequence[float]) -> list[Candidate]:
    """Dense, the cheap ones, and those of ``densities`` and of the pruner that the bundle has by now."""
    prunable = bundle.contract.network is not None
    there = stored_names(bundle) if prunable else []
    names = [name for name in map(searched_name, densities) if name in there]
    if bundle.pruner_state is not None:
        names.append(TAUGHT)
    steps = bundle.contract.diffusion.steps
    searched = [Candidate(name, "searched") for name in names]
    return [Candidate(DENSE, "dense"), *cheap(steps, prunable), *searched]
