"""A process that has a millisecond for each cycle."""

from __future__ import annotations

import gc
import os

from sag_ros.realtime import lock_memory, settle, take_core, take_priority


def make_punctual(priority: int, core: int) -> list[str]:
    """Lock the memory, take a real-time priority and a core; no garbage collection.

    Args:
        priority: under SCHED_FIFO, 1 to 99; 0 leaves the scheduling as it is.
        core: to stay on; negative: any.

    Returns:
        A remark on each thing that was refused; the process runs without it.
    """
    settle()
    gc.disable()
    remarks = [*filter(None, (lock_memory(), take_priority(priority), take_core(core)))]
    if not os.path.exists("/sys/kernel/realtime"):
        remarks.append("the kernel is not a real-time one (PREEMPT_RT)")
    return remarks
