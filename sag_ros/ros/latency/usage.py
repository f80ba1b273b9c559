"""How much of a core each thread of the graph's processes on this machine uses (Linux)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sag_ros.ros.graph import PACKAGE

PROC = Path("/proc")
_NAME = "__node:="


@dataclass(frozen=True)
class ThreadUse:
    """Of a thread: the node, its name, the share of a core, and how often a second it was taken off a core
    that it could have used."""

    node: str
    thread: str
    share: float
    displaced: float


@dataclass(frozen=True)
class _Seen:
    node: str
    thread: str
    seconds: float
    displaced: int


def graph_processes(domain: str, proc: Path = PROC) -> dict[int, str]:
    """Process id -> node of ours, in a ROS domain."""
    found = {}
    for folder in proc.glob("[0-9]*"):
        with suppress(OSError, UnicodeDecodeError):
            arguments = (folder / "cmdline").read_bytes().decode().split("\0")
            ours = any(f"{PACKAGE}.ros." in one or f"/{PACKAGE}/" in one for one in arguments)
            names = [one.removeprefix(_NAME) for one in arguments if one.startswith(_NAME)]
            environment = (folder / "environ").read_bytes().decode().split("\0")
            own = next((one for one in environment if one.startswith("ROS_DOMAIN_ID=")), "=0").split("=")[1]
            if ours and names and (own or "0") == domain:
                found[int(folder.name)] = names[0]
    return found


def _look(processes: dict[int, str], proc: Path) -> Iterator[tuple[int, _Seen]]:
    tick = os.sysconf("SC_CLK_TCK")
    for pid, node in processes.items():
        with suppress(OSError):
            for task in (proc / str(pid) / "task").iterdir():
                with suppress(OSError):
                    name = (task / "comm").read_text().strip()
                    # The name in stat may hold anything; what follows it is counted from its end.
                    fields = (task / "stat").read_text().rsplit(")", 1)[1].split()
                    lines = (task / "status").read_text().splitlines()
                    displaced = next(int(x.split()[1]) for x in lines if x.startswith("nonvoluntary"))
                    main = int(task.name) == pid
                    ticks = int(fields[11]) + int(fields[12])
                    yield int(task.name), _Seen(node, "main" if main else name, ticks / tick, displaced)


class Usage:
    """From now on. Call :meth:`sample` now and then: a thread that is gone takes its count along."""

    def __init__(self, domain: str | None = None, proc: Path = PROC) -> None:
        """Look at the nodes of a domain, that of the environment by default."""
        self._proc = proc
        self._processes = graph_processes(domain or os.environ.get("ROS_DOMAIN_ID") or "0", proc)
        self._before = dict(_look(self._processes, proc))
        self._total: dict[tuple[str, str], tuple[float, int]] = {}

    def sample(self) -> None:
        """Count what was used since the last time."""
        now = dict(_look(self._processes, self._proc))
        for number, seen in now.items():
            before = self._before.get(number)
            busy = seen.seconds - (before.seconds if before else 0.0)
            displaced = seen.displaced - (before.displaced if before else 0)
            so_far = self._total.get((seen.node, seen.thread), (0.0, 0))
            self._total[seen.node, seen.thread] = so_far[0] + busy, so_far[1] + displaced
        self._before = now

    def shares(self, seconds: float) -> list[ThreadUse]:
        """What the threads used in the ``seconds`` s since, the busiest first; those of one name and node
        together, without those that used nothing."""
        self.sample()
        found = [
            ThreadUse(node, thread, busy / seconds, displaced / seconds)
            for (node, thread), (busy, displaced) in self._total.items()
            if busy > 0.0
        ]
        return sorted(found, key=lambda one: -one.share)
