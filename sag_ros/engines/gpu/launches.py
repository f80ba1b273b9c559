"""From a plan to the launches of a GPU engine: what is added to the stream rides on the launch behind it.

All launches of a chunk are known before it begins, so nothing on the device asks the host in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sag_ros.pruning.plan import Op, Plan
from sag_ros.values import frozen


class Kind(IntEnum):
    """Kinds of launch; each first adds ``weights @ cache`` to the stream, IDLE to the embedding's offset."""

    SELF_ATTENTION = 0  # cache[slot] = residual of ``layer``
    CROSS_ATTENTION = 1
    FEED_FORWARD = 2
    STEP_END = 3  # final norm, head, sampler update of ``step``, embedding of what follows
    IDLE = 4  # steps ``step`` ... ``stop - 1`` without a computed block, then the embedding of what follows


@dataclass(frozen=True)
class Launches:
    """N launches of one chunk in order; all arrays are read-only.

    Attributes:
        kind: (N,) int32, values of :class:`Kind`.
        layer: (N,) int32, of blocks; else -1.
        slot: (N,) int32, cache slot that a block writes; else -1.
        step: (N,) int32, denoising step it belongs to.
        stop: (N,) int32, step behind it for IDLE, else ``step``.
        weights: (N, slots) float32, how often each cached residual is added before it.
    """

    kind: NDArray[np.int32]
    layer: NDArray[np.int32]
    slot: NDArray[np.int32]
    step: NDArray[np.int32]
    stop: NDArray[np.int32]
    weights: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.kind)

    @cached_property
    def table(self) -> NDArray[np.float32]:
        """(N, slots + 1): ``weights``, and how many steps an idle stretch takes."""
        lengths = (self.stop - self.step).astype(np.float32)
        return frozen(np.concatenate([self.weights, lengths[:, None]], axis=1))

    def from_step(self, first: int) -> Launches:
        """Those of step ``first`` and later, where a plan can begin there (``Plan.starts``)."""
        if not first:
            return self
        rest = slice(int(np.searchsorted(self.step, first)), None)
        columns = (self.kind, self.layer, self.slot, self.step, self.stop)
        kind, layer, slot, step, stop = (column[rest] for column in columns)
        return Launches(kind, layer, slot, step, stop, self.weights[rest])


def make_launches(plan: Plan) -> Launches:
    """Translate ``plan``, without a Python loop."""
    slots = plan.slots
    runs = np.concatenate([plan.run_matrix(), np.zeros((1, slots), np.float32)])  # the last: no run
    places = np.flatnonzero(plan.kind != Op.ADD_RUN)
    before = np.maximum(places - 1, 0)
    has_run = (plan.kind[before] == Op.ADD_RUN) & (places > 0)
    weights = runs[np.where(has_run, plan.argument[before], -1)]

    argument = plan.argument[places]
    ends = plan.kind[places] == Op.STEP_END
    slot = np.where(ends, -1, argument % slots)
    follows = np.flatnonzero(~ends[:-1]) + 1  # launches behind a block, whose residual is still to be added
    weights[follows, slot[follows - 1]] += 1.0

    step = np.cumsum(ends) - ends
    idle = ends & np.concatenate([[True], ends[:-1]])
    resumes = plan.resumes()
    stop = np.where(idle, resumes[step], step)
    # Of a stretch of alike idle steps the first stands for all.
    first = ~idle | np.concatenate([[True], stop[1:] != stop[:-1]]) | np.concatenate([[True], ~idle[:-1]])
    kind = np.where(idle, Kind.IDLE, np.where(ends, Kind.STEP_END, argument % 3))
    layer = np.where(ends, -1, argument // 3)

    def column(values: NDArray[np.int_]) -> NDArray[np.int32]:
        return frozen(values[first].astype(np.int32))

    return Launches(
        column(kind), column(layer), column(slot), column(step), column(stop), frozen(weights[first])
    )
