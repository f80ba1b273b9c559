"""Whether the hand does what it is told: its commands are answered by nobody, so its width has to tell."""

from __future__ import annotations

PATIENCE = 1.5  # s for a hand to begin; an action server and two fingers take up to .3
_WORTH = 0.005  # m; a goal nearer than this may be reached without a motion that could be seen
_MOVED = 0.002  # m


class HandWatch:
    """Compares goals with the measured width. Clocks are injected.

    A hand that closes on an object less than 2 mm away looks like one that does not close; it is said, and
    keeps nothing from moving.
    """

    def __init__(self) -> None:
        self._told, self._goal, self._from = 0.0, 0.0, 0.0
        self._waiting = False

    def tell(self, now: float, goal: float, width: float) -> None:
        """Note a goal sent at ``now``, s, to a hand ``width`` m open."""
        again = self._waiting and (goal - width) * (self._goal - self._from) > 0.0
        if not again:  # told once more what it did not do, its time goes on
            self._told, self._from = now, width
        self._goal = goal
        self._waiting = abs(goal - self._from) > _WORTH

    def look(self, now: float, width: float) -> str:
        """What is wrong with a hand that is ``width`` m open at ``now``, or an empty text."""
        if not self._waiting:
            return ""
        way = 1.0 if self._goal > self._from else -1.0
        if way * (width - self._from) >= _MOVED:
            self._waiting = False
            return ""
        since = now - self._told
        if since <= PATIENCE:
            return ""
        told = f"{'open' if way > 0 else 'close'} to {self._goal:.3f} m"
        return f"the hand was told to {told} {since:.1f} s ago and is still {width:.3f} m open"
