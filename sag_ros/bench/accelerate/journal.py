"""Which stages are done, what they gave and how long they took: for an interrupted run to go on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sag_ros.policy.weights_file import replace_file


class Journal:
    """Stages of one acceleration, in a JSON file.

    Args:
        path: of the file.
        key: what results depend on; those of another key are forgotten.
        minutes: for everything.
        say: takes a line of progress.
        clock: monotonic, s.
    """

    def __init__(
        self,
        path: Path,
        key: Mapping[str, Any],
        minutes: float,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path, self._key, self._say, self._clock = path, json.loads(json.dumps(key)), say, clock
        self._total = 60.0 * minutes
        self._done: dict[str, Any] = {}
        self._spent = 0.0
        self._began = clock()
        if path.exists():
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["key"] == self._key:
                self._done, self._spent = content["done"], content["spent"]

    @property
    def spent(self) -> float:
        """s, by this run and those before it that it goes on from."""
        return self._spent + self._clock() - self._began

    @property
    def left(self) -> float:
        """s of the budget."""
        return max(self._total - self.spent, 0.0)

    def say(self, text: str) -> None:
        """A line with the time spent and what is left of the budget."""
        self._say(f"[{_clock(self.spent)} of {_clock(self._total)}] {text}")

    def stage(self, name: str, title: str, work: Callable[[], Any]) -> Any:
        """What ``work`` gives (JSON values), or gave when this stage was done before."""
        if name in self._done:
            self.say(f"{title}: done before")
            return self._done[name]
        self.say(f"{title} ...")
        try:
            result = work()
            self._done[name] = json.loads(json.dumps(result))
        finally:
            self._write()  # also what an interrupted stage took
        return self._done[name]

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        content = {"key": self._key, "spent": round(self.spent, 1), "done": self._done}
        replace_file(self._path, (json.dumps(content, indent=1) + "\n").encode())


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
