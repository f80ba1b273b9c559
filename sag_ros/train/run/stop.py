"""Ask a training run to stop at the end of its iteration."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any


class Stop:
    """True once SIGINT or SIGTERM arrived, or ``minutes`` have passed. A second SIGINT interrupts at once.

    Use as a context: the handlers are the former ones afterwards.
    """

    def __init__(self, minutes: float | None = None) -> None:
        self.reason: str | None = None
        self._deadline = None if minutes is None else time.monotonic() + 60.0 * minutes
        self._former: dict[int, Any] = {}

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._former[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.reason is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.reason = signal.Signals(number).name

    def __bool__(self) -> bool:
        if self.reason is None and self._deadline is not None and time.monotonic() >= self._deadline:
            self.reason = "time is up"
        return self.reason is not None
