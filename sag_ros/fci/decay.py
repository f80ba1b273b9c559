"""A difference that goes smoothly."""

from __future__ import annotations

from sag_ros.control.motion import State
from sag_ros.values import Float

SECONDS = 0.3  # that it takes


class Decay:
    """A distance with its derivatives that decays to zero by a quintic.

    Args:
        error: position, velocity, acceleration, (J,) each.
        since: when, s.
    """

    def __init__(self, error: State, since: float) -> None:
        e, de, dde = error[0], error[1] * SECONDS, error[2] * SECONDS**2
        self._since = since
        self._c: tuple[Float, ...] = (
            e,
            de,
            0.5 * dde,
            -10.0 * e - 6.0 * de - 1.5 * dde,
            15.0 * e + 8.0 * de + 1.5 * dde,
            -6.0 * e - 3.0 * de - 0.5 * dde,
        )

    def over(self, time: float) -> bool:
        """Whether nothing is left of it at ``time``, s."""
        return time - self._since >= SECONDS

    def at(self, time: float) -> State:
        """What is left of it, (J,) each; not after it is over."""
        u = (time - self._since) / SECONDS
        c0, c1, c2, c3, c4, c5 = self._c
        q = c0 + u * (c1 + u * (c2 + u * (c3 + u * (c4 + u * c5))))
        v = c1 + u * (2.0 * c2 + u * (3.0 * c3 + u * (4.0 * c4 + u * 5.0 * c5)))
        a = 2.0 * c2 + u * (6.0 * c3 + u * (12.0 * c4 + u * 20.0 * c5))
        return q, v / SECONDS, a / SECONDS**2
