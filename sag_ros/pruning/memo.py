"""Results that are kept for a while: a pruner's masks, and so their plans, come back again and again."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


class Memo(Generic[Given, Made]):
    """What ``make`` made of the last ``most`` different arguments, by ``key``; the oldest goes first.

    The arguments are kept, too, so that ``id`` may be a key.
    """

    def __init__(
        self, make: Callable[[Given], Made], key: Callable[[Given], Hashable], most: int = 64
    ) -> None:
        self._make, self._key, self._most = make, key, most
        self._kept: dict[Hashable, tuple[Given, Made]] = {}

    def __call__(self, given: Given) -> Made:
        """``make(given)``, or what it was."""
        key = self._key(given)
        kept = self._kept.get(key)
        if kept is None:
            kept = given, self._make(given)
            if len(self._kept) == self._most:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = kept
        return kept[1]
