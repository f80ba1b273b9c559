"""The process of the 1 kHz loop: ``python -m sag_ros.fci.process``, settings and descriptors on stdin.

It does nothing but the loop. It outlives whoever started it only until the arm is at rest.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

import numpy as np

from sag_ros.control.motion import Motion, fading
from sag_ros.fci import message, report
from sag_ros.fci.loop import Loop
from sag_ros.fci.realtime import make_punctual
from sag_ros.fci.robot import LibfrankaRobot
from sag_ros.fci.settings import FciSettings
from sag_ros.fci.slot import Slot

REQUEST = 64  # bytes


def main() -> int:
    """Run the loop until the parent asks to stop, or is gone."""
    for number in (signal.SIGINT, signal.SIGTERM):  # the parent decides; both also reach the whole group
        signal.signal(number, signal.SIG_IGN)
    parent = os.getppid()
    content = json.loads(sys.stdin.readline())
    settings = FciSettings.of(content["settings"])
    trajectories, requests, reports = (
        Slot(size, descriptor)
        for size, descriptor in zip((message.SIZE, REQUEST, report.SIZE), content["descriptors"], strict=True)
    )

    def trajectory() -> Motion | None:
        found = trajectories.read()
        return None if found is None else message.unpack(found)

    def request() -> str:
        found = requests.read()
        return "" if found is None else found.decode()

    zero = np.zeros(7)
    fading((zero, zero, zero), 0.0, 1.0)  # what is compiled is loaded now, not within a cycle
    remarks = make_punctual(settings.priority, settings.core)
    loop = Loop(
        settings,
        connect=lambda: LibfrankaRobot(settings),
        trajectory=trajectory,
        request=request,
        publish=lambda state: reports.write(state.pack()),
        clock=time.monotonic,
        pause=time.sleep,
        orphaned=lambda: os.getppid() != parent,
        remark="; ".join(remarks),
    )
    loop.run()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
