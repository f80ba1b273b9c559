"""What the policy node's clock read while a recording was made.

The clock that stamps are on may have been set meanwhile, or have run away (see ``ros.stamps``). Each chunk
tells where second zero of the node's own clock was then; between chunks that of the nearest one is taken.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sag_ros.messages.stamps import SECOND
from sag_ros.ros.stamps import STEP, StampClock

_SURE = 1e-6  # s that a time may be off where nothing moved


class NodeClock:
    """Stamps as seconds of the node's clock.

    Args:
        told: (N,) when each chunk came, ns since 1970, N > 0, in their order.
        zeros: (N,) ns since 1970 at second zero, as each chunk tells it.
    """

    def __init__(self, told: NDArray[np.int64], zeros: NDArray[np.int64]) -> None:
        self._told, self._zeros = told, zeros

    def _nearest(self, at: int) -> int:
        """The chunk that came next to ``at``, ns since 1970."""
        return int(np.abs(self._told - at).argmin())

    def zero(self, at: int) -> int:
        """ns since 1970 at second zero, as it was at ``at``, ns since 1970."""
        return int(self._zeros[self._nearest(at)])

    def seconds(self, stamp: int) -> float:
        """ns since 1970 as s of the node's clock."""
        return (stamp - self.zero(stamp)) / SECOND

    def still(self, at: int) -> StampClock:
        """The node's clock as it was at ``at``, standing still."""
        zero = self.zero(at)
        return StampClock(lambda: zero, zero)

    def unsure(self, at: int) -> float:
        """By how much :meth:`seconds` may be off at ``at``, s: what the clock moved by around it."""
        nearest = self._nearest(at)
        around = self._zeros[max(nearest - 1, 0) : nearest + 2]
        moved = int(around.max() - around.min())
        return _SURE + (moved / SECOND if moved < STEP else 0.0)


def nearest_stamp(stamps: NDArray[np.int64], wanted: int) -> int | None:
    """Of (N,) stamps, ascending, the one that is ``wanted``, ns; None where there is none.

    A clock that runs away has moved by some microseconds since it was read before, which is far less than
    messages are apart.
    """
    if not len(stamps):
        return None
    place = int(np.searchsorted(stamps, wanted))
    near = stamps[max(place - 1, 0) : place + 1]
    found = int(near[np.abs(near - wanted).argmin()])
    return found if abs(found - wanted) < STEP else None
