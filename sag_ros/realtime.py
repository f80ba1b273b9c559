"""What makes a process punctual, as far as this system allows: memory that stays, priority, a core.

What asks the system for something returns a remark on what was refused, with a remedy; the process runs
without it.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

_CURRENT, _FUTURE, _ON_FAULT = 1, 2, 4  # of mlockall
_TASKS, _ISOLATED = Path("/proc/self/task"), Path("/sys/devices/system/cpu/isolated")
_LIMITS = "/etc/security/limits.conf"


def lock_memory(on_use: bool = False) -> str:
    """Keep what this process has, and will have, in memory.

    Args:
        on_use: each page from its first use on, not all at once: libraries map gigabytes and use little.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(_CURRENT | _FUTURE | (_ON_FAULT if on_use else 0)):
        return f"memory is not locked ({os.strerror(ctypes.get_errno())}); raise memlock in {_LIMITS}"
    return ""


def settle() -> None:
    """Keep the collector away from what is there now.

    Imported modules and models live on; a full collection that walks them takes up to a tenth of a second,
    in which nothing is received and nothing is sent.
    """
    gc.collect()
    gc.freeze()


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Build something large beside what has to be punctual.

    The collector rests meanwhile, and what was made is kept from it afterwards, as :func:`settle` does. Left
    alone, a full collection in the middle of it stops all threads for up to seven tenths of a second. What is
    made within has to be free of cycles where it is to be given up before :func:`unsettle`.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collects:
            gc.enable()


def unsettle() -> None:
    """Undo that, and give what was freed back to the system, where the C library can; takes some ms."""
    gc.unfreeze()
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def take_priority(priority: int, threads: Sequence[int] = (0,)) -> str:
    """Schedule threads, the calling one by default, before all ordinary ones; those they start inherit it.

    Args:
        priority: under SCHED_FIFO, 1 to 99; 0 changes nothing.
        threads: native identifiers.
    """
    try:
        for thread in threads if priority else ():
            os.sched_setscheduler(thread, os.SCHED_FIFO, os.sched_param(priority))
    except (OSError, AttributeError) as error:
        return f"no real-time priority ({_reason(error)}); raise rtprio in {_LIMITS}"
    return ""


def own_threads() -> list[int]:
    """Native identifiers of this process's threads; none where the system does not tell."""
    return [int(task.name) for task in _TASKS.iterdir()] if _TASKS.is_dir() else []


def take_core(core: int) -> str:
    """Keep the calling thread on a core; a negative one leaves it where it may run now."""
    try:
        if core >= 0:
            os.sched_setaffinity(0, {core})
    except (OSError, AttributeError) as error:
        return f"core {core} cannot be taken ({_reason(error)})"
    return ""


def isolated_cores(file: Path = _ISOLATED) -> str:
    """Cores on which the kernel schedules nothing by itself, as it lists them; empty for none."""
    return file.read_text().strip() if file.is_file() else ""


def probe_line() -> str:
    """What is allowed here. Exit with what is refused; for ``sag doctor``, in a process of its own."""
    remarks = list(filter(None, (take_priority(1), lock_memory())))
    cores = f"isolated cores {isolated_cores() or 'none'}"
    if remarks:
        raise SystemExit(f"{'; '.join(remarks)}; {cores}")
    return f"priorities and locked memory are allowed; {cores}"


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
