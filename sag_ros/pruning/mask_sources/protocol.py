"""What a mask source promises, and what its file is asked to build.

A source also states its reuse rule, the cached residual that a pruned block reads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from sag_ros.pruning.plan import Reuse
from sag_ros.pruning.pruner import Pruner
from sag_ros.values import Mask

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle


class MaskSource(Protocol):
    """Decides once per inference which blocks are pruned.

    One that chooses from few masks has them in an attribute ``masks``.
    """

    @property
    def name(self) -> str:
        """Name in the registry or a label for tables."""
        ...

    @property
    def reuse(self) -> Reuse:
        """What a pruned block reads."""
        ...

    def mask(self, obs_features: NDArray[np.float32]) -> Mask:
        """(To, D) float32 observation features -> mask (K, 3L)."""
        ...


# Executes a pruner: (pruner, name, reuse rule) -> source.
Execute = Callable[[Pruner, str, Reuse], MaskSource]


@dataclass(frozen=True)
class Request:
    """What is to be built.

    Attributes:
        bundle: the policy.
        steps: of the sampler.
        name: as the user wrote it.
        number: the number at its end, or None.
        execute: how pruners are executed.
    """

    bundle: PolicyBundle
    steps: int
    name: str
    number: int | None
    execute: Execute

    @property
    def blocks(self) -> int:
        """3L."""
        return self.bundle.contract.blocks

    def number_or(self, default: int) -> int:
        """The number, or ``default`` without one."""
        return default if self.number is None else self.number


# A file of this folder declares ``SOURCES``: names as users write them, without the number -> builders.
Builder = Callable[[Request], MaskSource]
