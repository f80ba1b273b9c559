"""How this package compiles numeric functions with numba, and where the machine code is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numba
from numba.core.caching import IndexDataCacheFile

from sag_ros.paths import cache_folder

F = TypeVar("F", bound=Callable[..., Any])
_DIGEST = hashlib.sha256().digest_size


class CheckedFiles(IndexDataCacheFile):  # type: ignore[misc]
    """Numba's files with their SHA-256 behind the content; what does not fit it is compiled again.

    Index and machine code are pickles: a damaged one ends the process, or worse. A hash tells damage; whoever
    may write there can write the hash, too, see :func:`sag_ros.paths.cache_folder`.
    """

    @contextmanager
    def _open_for_write(self, filepath: str) -> Iterator[Any]:
        with super()._open_for_write(filepath) as file:
            hashing = _Hashing(file)
            yield hashing
            file.write(hashing.digest.digest())

    def _load_index(self) -> Any:
        return super()._load_index() if _intact(Path(self._index_path)) else {}

    def _load_data(self, name: str) -> Any:
        if not _intact(Path(self._data_path(name))):
            raise OSError(f"{name} is damaged")  # which numba takes for missing
        return super()._load_data(name)  # what follows a pickle is not read


class _Hashing:
    """A file that hashes what is written into it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.digest = file, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self._file.write(data)


def _intact(file: Path) -> bool:
    with suppress(OSError):
        content = file.read_bytes()
        return content[-_DIGEST:] == hashlib.sha256(content[:-_DIGEST]).digest()
    return False


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
        if self._folder is not None:
            files = compiled._cache._cache_file  # type: ignore[attr-defined]
            name = Path(files._index_name).stem
            compiled._cache._cache_file = CheckedFiles(  # type: ignore[attr-defined]
                cache_path=files._cache_path, filename_base=name, source_stamp=files._source_stamp
            )
        return compiled
