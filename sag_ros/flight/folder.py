"""A folder of recordings that never takes more than its quota: the oldest go first."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import IO

SUFFIX, PART = ".mcap", ".part"


class NoRoom(OSError):
    """A recording does not fit; the text says why and what to do."""


class RecordingFolder:
    """Where recordings lie.

    Args:
        path: made when the first one is written.
        quota: bytes of all recordings together, those that are being written included.

    What was left half written by a process that ended is removed.
    """

    def __init__(self, path: Path, quota: int) -> None:
        self.path, self.quota = path, quota
        self._lock = threading.RLock()
        self._open: dict[Path, int] = {}
        self.removed = 0  # recordings that had to go
        for left in self._list(SUFFIX + PART):
            with contextlib.suppress(OSError):
                left.unlink()

    def _list(self, suffix: str) -> list[Path]:
        return sorted(self.path.glob(f"*{suffix}")) if self.path.is_dir() else []

    def recordings(self) -> list[Path]:
        """Finished ones, the oldest first."""
        found = []
        for path in self._list(SUFFIX):
            with contextlib.suppress(OSError):
                found.append((path.stat().st_mtime_ns, path))
        return [path for _, path in sorted(found)]

    def used(self) -> int:
        """Bytes of all recordings."""
        total = sum(self._open.values())
        for path in self._list(SUFFIX):
            with contextlib.suppress(OSError):
                total += path.stat().st_size
        return total

    def make_room(self, needed: int) -> None:
        """Remove the oldest recordings until ``needed`` more bytes fit. Raises NoRoom."""
        with self._lock:
            excess = self.used() + needed - self.quota
            if excess <= 0:
                return
            for path in self.recordings():
                with contextlib.suppress(FileNotFoundError):
                    size = path.stat().st_size
                    path.unlink()
                    self.removed += 1
                    excess -= size
                if excess <= 0:
                    return
            raise NoRoom(
                f"a recording does not fit into {self.path}: quota {self.quota / 1e6:.0f} MB; raise the "
                "quota, or keep fewer seconds"
            )

    def create(self, name: str) -> RecordingFile:
        """Begin a recording called ``name``; with a number behind it where that is taken. Raises OSError."""
        with self._lock:
            self.path.mkdir(parents=True, exist_ok=True)
            path, number = self.path / f"{name}{SUFFIX}", 1
            while path.exists() or path in self._open:
                path, number = self.path / f"{name}_{number}{SUFFIX}", number + 1
            self._open[path] = 0
        try:
            return RecordingFile(self, path)
        except OSError:
            self._forget(path)
            raise

    def _grow(self, path: Path, count: int) -> None:
        with self._lock:
            self.make_room(count)
            self._open[path] += count

    def _forget(self, path: Path) -> None:
        with self._lock:
            self._open.pop(path, None)


class RecordingFile:
    """A file that is there only when it is whole: written beside, renamed at the end.

    Has what a writer of MCAP asks of a file.
    """

    _EACH = 1 << 20  # bytes for which room is made at once

    def __init__(self, folder: RecordingFolder, path: Path) -> None:
        self._folder, self.path = folder, path
        self._part = path.with_name(path.name + PART)
        self._file: IO[bytes] = self._part.open("wb")
        self._room = 0
        self.size = 0

    def write(self, data: bytes) -> int:
        """Append. Raises NoRoom, OSError."""
        if len(data) > self._room:
            more = max(len(data) - self._room, min(self._EACH, self._folder.quota // 256))
            self._folder._grow(self.path, more)
            self._room += more
        self._room -= len(data)
        self.size += len(data)
        return self._file.write(data)

    def flush(self) -> None:
        """Nothing: it counts when it is finished."""

    def tell(self) -> int:
        """Bytes written."""
        return self.size

    def finish(self) -> Path:
        """Make it a recording. Raises OSError."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        with self._folder._lock:
            self._part.replace(self.path)
            self._folder._forget(self.path)
        return self.path

    def abandon(self) -> None:
        """Remove what was written."""
        with contextlib.suppress(OSError, ValueError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._part.unlink()
        self._folder._forget(self.path)
