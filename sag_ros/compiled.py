"""How this package compiles numeric functions with numba, and where the machine code is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba

from sag_ros.paths import cache_folder

F = TypeVar("F", bound=Callable[..., Any])


class Compiler:
    """Compiles functions on first use; their machine code is kept on disk for this CPU.

    Args:
        folder: whose Python files are part of the key: numba's own key knows the file of a function, not
            those of what it calls.
        key: what else the machine code depends on, beside the CPU.
        fastmath: freedoms of LLVM with floating point; none by default.
    """

    def __init__(self, folder: Path, key: str = "", fastmath: set[str] | None = None) -> None:
        digest = hashlib.sha256()
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.read_bytes())
        self._folder = cache_folder("-".join(filter(None, ("numba", digest.hexdigest()[:16], key))))
        self._fastmath = fastmath or False

    def __call__(self, function: F) -> F:
        """``function``, compiled; it runs without the interpreter lock."""
        before = numba.config.CACHE_DIR
        if self._folder is not None:
            numba.config.CACHE_DIR = str(self._folder)
        try:
            compiled: F = numba.njit(
                cache=self._folder is not None, nogil=True, error_model="numpy", fastmath=self._fastmath
            )(function)
        finally:
            numba.config.CACHE_DIR = before
        return compiled
