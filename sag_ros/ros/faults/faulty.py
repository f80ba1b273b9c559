"""A node of ours whose clock and engine can be spoilt from outside.

``python -m sag_ros.ros.faults.faulty <control file> <module of the node> <its arguments>``
"""

from __future__ import annotations

import mmap
import struct
import sys
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

# Seconds that the clock was set by, and gains in a second, since when (monotonic, s); what ails the engine.
_LAYOUT = struct.Struct("=dddi")
STRANGE = "strange"  # the folder of the only bundle that is ailed by what begins with that and "-"
ENGINE = ("well", "raises", "nan", "absurd", "hangs", "slow", "crawls", "strange-raises", "strange-slow")
_SLOWER = {"slow": 10, "crawls": 30}  # times


class Control:
    """What is wrong, shared through a file.

    Args:
        file: made if need be.
    """

    def __init__(self, file: Path) -> None:
        if not file.exists():
            file.write_bytes(bytes(_LAYOUT.size))
        with file.open("r+b") as opened:
            self._map = mmap.mmap(opened.fileno(), _LAYOUT.size)
        self.file = file

    def set(self, clock: float = 0.0, engine: str = "well", gains: float = 0.0) -> None:
        """Let the clock be off by ``clock`` s and gain ``gains`` s a second, and the engine be as told."""
        _LAYOUT.pack_into(self._map, 0, clock, gains, time.monotonic(), ENGINE.index(engine))

    @property
    def clock_ns(self) -> int:
        """By how much the clock is off, ns."""
        clock, gains, since, _ = _LAYOUT.unpack_from(self._map)
        return round(1e9 * (clock + gains * (time.monotonic() - since)))

    @property
    def engine(self) -> str:
        """What ails the engine."""
        return ENGINE[_LAYOUT.unpack_from(self._map)[3]]


def _spoil_clock(control: Control) -> None:
    from sag_ros.ros import stamps

    def clock_of(node: Any) -> stamps.StampClock:
        return stamps.StampClock(
            lambda: node.get_clock().now().nanoseconds + control.clock_ns, steady=time.monotonic_ns
        )

    stamps.clock_of = clock_of


def _of(folder: Path | None, ails: str) -> str:
    """What ails the engine of the bundle in ``folder``."""
    if not ails.startswith(f"{STRANGE}-"):
        return ails
    return ails.removeprefix(f"{STRANGE}-") if folder is not None and folder.name == STRANGE else "well"


def _spoil_engine(control: Control) -> None:
    from sag_ros.engines.runner import PolicyRunner

    well = PolicyRunner.infer

    def infer(runner: PolicyRunner, *arguments: Any) -> Any:
        begin, ails = time.monotonic(), _of(runner.bundle.folder, control.engine)
        if ails == "raises":
            raise RuntimeError("the engine was told to fail")
        while control.engine == "hangs":
            time.sleep(0.01)
        found = well(runner, *arguments)
        if ails in _SLOWER:
            time.sleep((_SLOWER[ails] - 1) * (time.monotonic() - begin))
        if ails in ("nan", "absurd"):
            wrong = np.full_like(found.chunk.positions, np.nan if ails == "nan" else 1e30)
            found = replace(found, chunk=replace(found.chunk, positions=wrong))
        return found

    PolicyRunner.infer = infer  # type: ignore[method-assign]


def main(arguments: list[str]) -> int:
    """Run the node."""
    file, module, *rest = arguments
    control = Control(Path(file))
    _spoil_clock(control)
    _spoil_engine(control)
    sys.argv = [module, *rest]
    status: int = import_module(module).main()
    return status


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
