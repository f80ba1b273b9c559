"""Which core a thread runs on."""

from __future__ import annotations

import os


def pin(core: int) -> None:
    """Keep the calling thread on ``core``; a negative one leaves it where it may run now.

    Raises:
        ValueError: there is no such core.
    """
    if core < 0 or not hasattr(os, "sched_setaffinity"):
        return
    try:
        os.sched_setaffinity(0, {core})  # on Linux: of the calling thread
    except OSError:
        raise ValueError(
            f"core {core} does not exist or may not be used; this machine has {cores()}"
        ) from None


def check(core: int) -> None:
    """Raise ValueError as :func:`pin` would."""
    if hasattr(os, "sched_getaffinity"):
        before = os.sched_getaffinity(0)
        pin(core)
        os.sched_setaffinity(0, before)


def cores() -> list[int]:
    """Cores that the calling thread may use, in order."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))
