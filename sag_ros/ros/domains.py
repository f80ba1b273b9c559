"""A ROS domain that nobody else on this machine uses: two graphs in one answer each other's questions."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

LOWEST, COUNT = 1, 100  # 0 to 101 leave the ephemeral ports of Linux alone; 0 is what everybody else uses
_claimed: dict[int, int] = {}  # domain -> open file whose lock is ours


def _locks() -> Path:
    return Path(tempfile.gettempdir()) / f"sag_ros_domains.{os.getuid()}"


def _lock(number: int) -> int | None:
    """The open file of a domain, locked; None where another process has it, or there can be none."""
    folder = _locks()
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        file = os.open(folder / str(number), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            return None
        return file
    return None


def claim(first: int | None = None) -> int:
    """A domain for this process until it ends or releases it: from ``first`` on the first that is free.

    Where none can be locked, ``first`` is taken all the same. Default: by the process id.
    """
    first = LOWEST + (os.getpid() if first is None else first - LOWEST) % COUNT
    for step in range(COUNT):
        number = LOWEST + (first - LOWEST + step) % COUNT
        if number in _claimed:
            continue
        file = _lock(number)
        if file is not None:
            _claimed[number] = file
            return number
    return first


def release(number: int) -> None:
    """Others may have it from now on."""
    file = _claimed.pop(number, None)
    if file is not None:
        os.close(file)


@contextlib.contextmanager
def claimed(first: int | None = None) -> Iterator[int]:
    """The same for a while."""
    number = claim(first)
    try:
        yield number
    finally:
        release(number)
