"""What a machine does to a process that runs on it: cores, disk and memory that it does not get."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

_BUSY = "while True: pass"


class Strain:
    """On one process.

    Args:
        pid: of the process, asked each time: it may have been started again.
    """

    def __init__(self, pid: Callable[[], int]) -> None:
        self._pid = pid
        self._busy: list[subprocess.Popen[bytes]] = []

    def starve(self, count: int) -> None:
        """Keep its cores busy with so many processes."""
        cores = os.sched_getaffinity(self._pid())
        for _ in range(count):
            process = subprocess.Popen([sys.executable, "-c", _BUSY])
            os.sched_setaffinity(process.pid, cores)
            self._busy.append(process)

    def feed(self) -> None:
        """End those."""
        for process in self._busy:
            process.kill()
            process.wait()
        self._busy.clear()

    def fill_disk(self) -> None:
        """No file that it writes may grow: its writes fail as on a full disk."""
        self._limit(resource.RLIMIT_FSIZE, 0)

    def take_memory(self) -> None:
        """It gets no more memory than it has."""
        status = Path(f"/proc/{self._pid()}/statm").read_text().split()
        self._limit(resource.RLIMIT_AS, int(status[0]) * resource.getpagesize())

    def relieve(self) -> None:
        """Files may grow and memory may be had as before."""
        for which in (resource.RLIMIT_FSIZE, resource.RLIMIT_AS):
            self._limit(which, resource.prlimit(self._pid(), which)[1])

    def _limit(self, which: int, soft: int) -> None:
        _, hard = resource.prlimit(self._pid(), which)
        resource.prlimit(self._pid(), which, (soft, hard))
