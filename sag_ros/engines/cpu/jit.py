"""How this package compiles numeric functions, and where the machine code is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba

from sag_ros.engines.cpu.vectors import LANES
from sag_ros.paths import cache_folder

F = TypeVar("F", bound=Callable[..., Any])


def _sources() -> str:
    """Digest of all engines: numba's own key knows the file of a function, not those of what it calls."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


# The number of lanes is a constant to compiled code, and numba's key knows the CPU, not what is asked of it.
_FOLDER = cache_folder(f"numba-{_sources()}-{LANES}")


def kernel(function: F) -> F:
    """Compiled on first use, kept on disk for this CPU, runs without the interpreter lock.

    Sums may be reordered, so that they use vector instructions; not-a-number keeps its meaning.
    """
    before = numba.config.CACHE_DIR
    if _FOLDER is not None:
        numba.config.CACHE_DIR = str(_FOLDER)
    try:
        compiled: F = numba.njit(
            cache=_FOLDER is not None,
            nogil=True,
            error_model="numpy",
            fastmath={"reassoc", "contract", "arcp", "nsz"},
        )(function)
    finally:
        numba.config.CACHE_DIR = before
    return compiled
