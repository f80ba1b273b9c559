"""What a sampler's file declares: everything that the registry knows of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sag_ros.policy.contract import Contract
from sag_ros.policy.samplers.protocol import Sampler, TableSampler
from sag_ros.policy.schedule import CoefficientTable

# (contract, number in the name or None) -> sampler
SamplerBuilder = Callable[[Contract, "int | None"], Sampler]
# (K, number in the name or None, bound on x0) -> table
TableBuilder = Callable[[int, "int | None", float], CoefficientTable]


@dataclass(frozen=True)
class SamplerSpec:
    """A sampler by name. A file of this folder declares one as ``SAMPLER``.

    Attributes:
        name: as users write it, without the number (``ddim`` of ``ddim30``).
        build: makes the sampler; raises ValueError for a number that it cannot take.
        training: the contract's ``diffusion.training`` that the weights need.
        table: of a sampler without state, which is nothing but its table; else None.
        first: to be named first, and used for checks, of the samplers for its training.
    """

    name: str
    build: SamplerBuilder
    training: str = "noise"
    table: TableBuilder | None = None
    first: bool = False


def stateless(name: str, table: TableBuilder, training: str = "noise", first: bool = False) -> SamplerSpec:
    """A sampler that is nothing but a table of coefficients."""

    def build(contract: Contract, number: int | None) -> Sampler:
        return TableSampler(table(contract.diffusion.steps, number, contract.clip))

    return SamplerSpec(name, build, training, table, first)
