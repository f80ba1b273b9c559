"""What is wrong, the likeliest cause first, since when, and what to do about it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

_HISTORY = 12  # entries


class Rank(IntEnum):
    """What explains what: a smaller one explains the larger ones that come with it."""

    OPERATOR = -1  # whoever operates the arm wants it so
    RIVAL = 0  # somebody else does what one alone may do
    ABSENT = 1  # nobody publishes
    CLOCK = 2  # a clock was set, or stamps cannot be true
    MALFORMED = 3  # messages that cannot be used
    PICTURE = 4  # pictures that show nothing, or something else
    STALE = 5  # messages do not come any more
    ENGINE = 6  # the policy fails
    LATE = 7  # the policy is too slow
    OTHER = 8
    HINT = 9  # nothing is wrong yet


@dataclass(frozen=True)
class Cause:
    """One thing that is wrong.

    Attributes:
        name: what it is called as long as it lasts, ``camera front`` say.
        text: for a person: what, with value and bound.
        remedy: what to do.
    """

    rank: Rank
    name: str
    text: str
    remedy: str = ""


class Causes:
    """Keeps since when causes hold, and a short history. Clocks are injected."""

    def __init__(self) -> None:
        self._since: dict[tuple[Rank, str], tuple[float, Cause]] = {}
        self._history: deque[tuple[float, str]] = deque(maxlen=_HISTORY)

    def update(self, now: float, present: Iterable[Cause]) -> None:
        """Take what is wrong ``now``, s; what is not named any more is over."""
        current = {(cause.rank, cause.name): cause for cause in present}
        for key, (since, cause) in list(self._since.items()):
            if key not in current:
                del self._since[key]
                self._history.append((now, f"over after {now - since:.1f} s: {cause.text}"))
        for key, cause in current.items():
            if key not in self._since:
                self._history.append((now, cause.text))
            self._since[key] = self._since.get(key, (now, cause))[0], cause

    def note(self, now: float, text: str) -> None:
        """Add something that happened and lasts no time to the history."""
        self._history.append((now, text))

    @property
    def ranked(self) -> list[tuple[float, Cause]]:
        """(since, cause), the likeliest first."""
        return sorted(self._since.values(), key=lambda entry: (entry[1].rank, entry[0]))

    def top(self, now: float) -> str:
        """The likeliest cause in a sentence, or an empty text."""
        if not self._since:
            return ""
        since, cause = self.ranked[0]
        return f"{cause.text} (since {now - since:.1f} s){f'; {cause.remedy}' if cause.remedy else ''}"

    def history(self, now: float) -> list[str]:
        """What happened, the newest first."""
        return [f"{now - when:.1f} s ago: {text}" for when, text in reversed(self._history)]
