"""SIGINT and SIGTERM end a measurement in the same clean way."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any


def interruptible() -> AbstractContextManager[None]:
    """Raise KeyboardInterrupt on SIGINT and SIGTERM inside the block.

    Also where SIGINT was ignored before: a shell without job control starts what is behind ``&`` like that,
    and Python then keeps ignoring it.
    """
    return _handled(signal.default_int_handler, signal.SIGINT, signal.SIGTERM)


def deaf_children() -> AbstractContextManager[None]:
    """Processes started inside the block ignore SIGINT from their first instruction: the parent decides.

    A Ctrl-C reaches the whole group, also children that are still importing.
    """
    return _handled(signal.SIG_IGN, signal.SIGINT)


@contextmanager
def _handled(handler: Any, *numbers: signal.Signals) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # only that one may set handlers
        yield
        return
    former = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, before in former.items():
            signal.signal(number, before)
