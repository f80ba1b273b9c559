"""Stamps and durations of messages as nanoseconds."""

from __future__ import annotations

from typing import Any

SECOND = 1_000_000_000


def nanoseconds(stamp: Any) -> int:
    """Integer nanoseconds of a stamp or duration."""
    found: int = stamp.sec * SECOND + stamp.nanosec
    return found
