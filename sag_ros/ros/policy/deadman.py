"""Hold to run: the arm moves only while somebody keeps saying so."""

from __future__ import annotations


class Deadman:
    """Pressed while ``true`` keeps arriving.

    Args:
        age: s after which a press that is not renewed counts as released.
        required: without it the deadman is always pressed.
    """

    def __init__(self, age: float, required: bool) -> None:
        self._age, self._required = age, required
        self._pressed_at: float | None = None

    def hear(self, pressed: bool, now: float) -> None:
        """Take a message, at ``now`` s."""
        self._pressed_at = now if pressed else None

    def released(self, now: float) -> str:
        """Why the arm may not move, or an empty text."""
        if not self._required:
            return ""
        if self._pressed_at is None:
            return "the deadman is released"
        silence = now - self._pressed_at
        return "" if silence <= self._age else f"the deadman was silent for {silence:.2f} s"
