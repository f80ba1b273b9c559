"""What a process holds of the machine, and what it holds more than before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

MEMORY = 20.0  # MiB that may come and go between two looks: buffers, arenas of the allocator


@dataclass(frozen=True)
class Holding:
    """Threads, open descriptors and resident memory, MiB, of a process."""

    threads: int
    descriptors: int
    memory: float

    @classmethod
    def of(cls, pid: int) -> Holding:
        """What ``pid`` holds now. Raises OSError where there is no such process."""
        folder = Path("/proc") / str(pid)
        lines = (folder / "status").read_text().splitlines()
        status = dict(line.split(":", 1) for line in lines if ":" in line)
        open_now = sum(1 for _ in (folder / "fd").iterdir())
        return cls(int(status["Threads"]), open_now, int(status["VmRSS"].split()[0]) / 1024)

    def left_over(self, before: Holding, memory: float = MEMORY) -> list[str]:
        """What is more than ``before``; memory where it is by so much, MiB, which may come and go."""
        found = []
        if self.threads > before.threads:
            found.append(f"{self.threads} threads, before {before.threads}")
        if self.descriptors > before.descriptors:
            found.append(f"{self.descriptors} open descriptors, before {before.descriptors}")
        if self.memory > before.memory + memory:
            found.append(f"{self.memory:.0f} MiB, before {before.memory:.0f}")
        return found


def least(held: Sequence[Holding]) -> Holding:
    """The least of each: what is needed to load a policy comes and goes, what leaks stays."""
    return Holding(*(min(getattr(one, each.name) for one in held) for each in fields(Holding)))
