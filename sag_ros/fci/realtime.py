"""What makes a process punctual, as far as this system allows."""

from __future__ import annotations

import ctypes
import gc
import os

_CURRENT, _FUTURE = 1, 2  # of mlockall


def make_punctual(priority: int, core: int) -> list[str]:
    """Lock the memory, take a real-time priority and a core; no garbage collection.

    Args:
        priority: under SCHED_FIFO, 1 to 99; 0 leaves the scheduling as it is.
        core: to stay on; negative: any.

    Returns:
        A remark on each thing that was refused; the process runs without it.
    """
    gc.collect()
    gc.freeze()
    gc.disable()
    remarks = []
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(_CURRENT | _FUTURE):
        reason = os.strerror(ctypes.get_errno())
        remarks.append(f"memory is not locked ({reason}); raise memlock in /etc/security/limits.conf")
    if priority:
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
        except (OSError, AttributeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            remarks.append(f"no real-time priority ({reason}); raise rtprio in /etc/security/limits.conf")
    if core >= 0:
        try:
            os.sched_setaffinity(0, {core})
        except (OSError, AttributeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            remarks.append(f"core {core} cannot be taken ({reason})")
    if not os.path.exists("/sys/kernel/realtime"):
        remarks.append("the kernel is not a real-time one (PREEMPT_RT)")
    return remarks
