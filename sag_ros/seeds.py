"""Which seeds may be seen by what: final tables have their own, which nothing that searches or chooses sees.

Those below :data:`EVALUATION` are for demonstrations, searches, choices and whatever is looked at on the way;
those of :data:`EVALUATION` are for the tables that are published, and for nothing else.
"""

from __future__ import annotations

EVALUATION = range(10_000_000, 20_000_000)


def require_development(first: int, count: int, option: str) -> None:
    """Raise ValueError if ``count`` seeds from ``first`` on touch those of the final tables.

    Args:
        option: that they were given by, for the message.
    """
    if first < EVALUATION.stop and first + count > EVALUATION.start:
        raise ValueError(
            f"{option}: seeds {first} to {first + count - 1} touch {EVALUATION.start} to "
            f"{EVALUATION.stop - 1}, which belong to the final tables; nothing that learns or chooses may "
            "see them. Take smaller ones"
        )
