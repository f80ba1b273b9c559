"""What is taken from a process, it gets back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from sag_ros.ros.faults.strain import Strain

_SCRIPT = """
import sys
for line in sys.stdin:
    try:
        if line.startswith("memory"):
            bytes(256 * 2**20)
        else:
            with open(sys.argv[1], "a") as file:
                file.write(line)
        print("done", flush=True)
    except (OSError, MemoryError) as error:
        print(type(error).__name__, flush=True)
"""


class Victim:
    """A process that writes or takes memory when it is told to."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process, self.pid = process, process.pid

    def do(self, what: str) -> str:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(what + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()


@pytest.fixture
def victim(tmp_path) -> Iterator[Victim]:
    command = [sys.executable, "-c", _SCRIPT, str(tmp_path / "file")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Victim(process)
        process.kill()


def test_no_file_grows_until_it_may(victim: Victim) -> None:
    strain = Strain(lambda: victim.pid)
    assert victim.do("write") == "done"
    strain.fill_disk()
    assert victim.do("write") == "OSError"
    assert victim.do("memory") == "done"
    strain.relieve()
    assert victim.do("write") == "done"


def test_no_memory_is_had_until_it_may(victim: Victim) -> None:
    strain = Strain(lambda: victim.pid)
    assert victim.do("memory") == "done"
    strain.take_memory()
    assert victim.do("memory") == "MemoryError"
    assert victim.do("write") == "done"
    strain.relieve()
    assert victim.do("memory") == "done"


def test_busy_processes_end(victim: Victim) -> None:
    strain = Strain(lambda: victim.pid)
    strain.starve(2)
    busy = list(strain._busy)
    assert all(process.poll() is None for process in busy)
    strain.feed()
    assert all(process.poll() is not None for process in busy)
