"""How often something that comes faster may start a chunk."""

from __future__ import annotations

import math


class Pace:
    """Lets a stream through at a rate at most, by its stamps.

    One that comes a little early or late shifts nothing: of any n + 1 in a row that were let through, the
    last was measured at least (n - 1) periods after the first, so one may be early by up to a period.

    Args:
        period: s between two that are let through; 0 for all of them.
    """

    def __init__(self, period: float) -> None:
        self._period, self._due = period, -math.inf

    def lets(self, stamp: float) -> bool:
        """Whether what was measured at ``stamp`` (s, never decreasing) goes on."""
        if stamp < self._due:
            return False
        self._due = max(self._due + self._period, stamp)
        return True
