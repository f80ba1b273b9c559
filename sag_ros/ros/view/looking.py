"""A thread that looks at the graph as often as the page is to change, while somebody has it open.

An executor's timer would do it, but before each wait rclpy gathers all that a node has, which costs more than
the look itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from sag_ros.ros.worker import Worker


class Looked(Protocol):
    """What is looked at; all in the thread."""

    def open(self) -> None: ...
    def close(self) -> None: ...
    def count(self) -> None: ...


class Looking(Worker):
    """Opens what is looked at for the first looker and closes it after the last one.

    Args:
        scene: what is looked at.
        period: s between two looks.
        idle: s between two counts while nobody looks.
        look: called every period with whether somebody came since the last look.
        failed: called with what went wrong; the next look is tried again.
    """

    def __init__(
        self,
        scene: Looked,
        period: float,
        idle: float,
        look: Callable[[bool], None],
        failed: Callable[[Exception], object],
    ) -> None:
        super().__init__("looking")
        self._scene, self._period, self._idle, self._look, self._failed = scene, period, idle, look, failed
        self._changed = threading.Event()
        self.lookers, self._came = 0, False

    def watch(self, count: int) -> None:
        """So many look now; from any thread."""
        self.lookers, self._came = count, True
        self._changed.set()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        self._changed.set()
        super().stop()

    def _run(self) -> None:
        opened, due = False, 0.0
        while not self._stop.is_set():
            try:
                if opened != bool(self.lookers):
                    opened = not opened
                    (self._scene.open if opened else self._scene.close)()
                    due = time.monotonic()
                if opened:
                    came, self._came = self._came, False
                    self._look(came)
                else:
                    self._scene.count()
            except Exception as error:
                self._failed(error)
            # What was late is left out, not made up for.
            due = max(due + self._period, time.monotonic())
            if opened:
                self._stop.wait(due - time.monotonic())
            else:
                self._changed.wait(self._idle)
            self._changed.clear()
        if opened:
            self._scene.close()
