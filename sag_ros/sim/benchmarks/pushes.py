"""Something that pushes now and then, and for a while, in a demonstration."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


class Pushes:
    """What is added to what is executed, step by step.

    Args:
        often: probability, at each step without a push, that one begins; 0 draws nothing.
        draw: a push and how many steps it lasts.
        nothing: what is added without a push.
        rng: of when they begin.
    """

    def __init__(
        self,
        often: float,
        draw: Callable[[], tuple[np.ndarray, int]],
        nothing: np.ndarray,
        rng: np.random.Generator,
    ) -> None:
        self._often, self._draw, self._nothing, self._rng = often, draw, nothing, rng
        self._push, self._left = nothing, 0

    def __call__(self) -> np.ndarray:
        """The next one."""
        self._left -= 1
        if self._often and self._left <= 0:
            self._push = self._nothing
            if self._rng.random() < self._often:
                self._push, self._left = self._draw()
        return self._push
