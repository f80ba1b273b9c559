"""What a sampler promises whoever runs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sag_ros.policy.schedule import CoefficientTable

Float32 = NDArray[np.float32]
# (sample (T, A), step) -> the clean sample (T, A) that one evaluation of the whole network implies
Estimate = Callable[[Float32, int], Float32]


class Start(NamedTuple):
    """How a chunk begins.

    Attributes:
        sample: (T, A), the sample before step ``first_step``, or what :meth:`Sampler.noise` makes that of.
        first_step: row of the table, 0 ... n - 1.
    """

    sample: Float32
    first_step: int


class Sampler(Protocol):
    """A table of coefficients and, for some, what is kept from chunk to chunk.

    Attributes:
        name: as in the registry.
        table: what every engine executes.
        whole_horizon: samples are needed at all T tokens, not only at those that influence executed actions.
        traced: it has a state: ``begin`` and ``end`` are to be called, the latter with the samples between
            steps.
    """

    @property
    def name(self) -> str: ...

    @property
    def table(self) -> CoefficientTable: ...

    @property
    def whole_horizon(self) -> bool: ...

    @property
    def traced(self) -> bool: ...

    def reset(self, seed: int) -> None:
        """Begin an episode: forget everything; ``seed`` is of the sampler's own decisions."""
        ...

    def begin(
        self, shift: float | None, noise: Float32, starts: NDArray[np.bool_], estimate: Estimate
    ) -> Start:
        """Decide how the next chunk begins.

        Args:
            shift: actions executed since the last chunk began, with a fraction where chunks come faster than
                actions; None when there is no last chunk.
                Less than 0 or more than was denoised is for the sampler to refuse to build on.
            noise: (T, A), standard normal; the first sample of a chunk that builds on nothing.
            starts: (n,), steps from which the plan can be executed.
            estimate: one evaluation of the network under the current observation; costs a dense step.
        """
        ...

    def noise(self, start: Start, noise: Float32) -> Float32:
        """(n + 1, T, A) what the engine is given for a chunk that begins with ``start``; ``noise``, of the
        same shape and standard normal, is left as it is. Everything that the chunk owes to those before it is
        in ``start``, so that it can be computed again."""
        ...

    def end(self, start: Start, trace: Float32) -> None:
        """Keep what later chunks need. trace (n + 1, T, A): row i is the sample before step i, the last one
        the result; rows before ``start.first_step`` hold nothing."""
        ...


def with_sample(start: Start, noise: Float32) -> Float32:
    """``Sampler.noise`` of one that begins with a sample and is otherwise given noise."""
    given = noise.copy()
    given[0] = start.sample
    return given


class TableSampler:
    """A sampler without state: every chunk begins at step 0 with noise."""

    whole_horizon = False
    traced = False

    def __init__(self, table: CoefficientTable) -> None:
        self.name, self.table = table.name, table

    def reset(self, seed: int) -> None:
        """Nothing to forget."""

    def begin(
        self, shift: float | None, noise: Float32, starts: NDArray[np.bool_], estimate: Estimate
    ) -> Start:
        """Step 0."""
        return Start(noise, 0)

    def noise(self, start: Start, noise: Float32) -> Float32:
        """As it is."""
        return with_sample(start, noise)

    def end(self, start: Start, trace: Float32) -> None:
        """Nothing to keep."""
