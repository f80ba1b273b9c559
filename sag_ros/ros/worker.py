"""A thread that works until it is told to stop."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path


def name_thread(name: str) -> None:
    """Let ``top -H`` and ``sag latency`` tell the calling thread from others, on Linux."""
    with contextlib.suppress(OSError):
        Path(f"/proc/self/task/{threading.get_native_id()}/comm").write_text(name[:15])


class Worker:
    """Of subclasses ``_run`` is the work; it returns soon after ``_stop`` is set.

    Args:
        name: of the thread.
    """

    def __init__(self, name: str) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop and join the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        name_thread(self._thread.name)
        self._run()

    def _run(self) -> None:
        raise NotImplementedError
