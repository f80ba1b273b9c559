"""How a chunk is refused."""

from __future__ import annotations

from sag_ros.values import Violation


class ChunkRefused(ValueError):
    """A chunk that must not be executed; ``violation`` says why."""

    def __init__(self, violation: Violation) -> None:
        super().__init__(violation.message)
        self.violation = violation
