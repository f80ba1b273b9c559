"""Success of candidates in simulation, on as many paired episodes as the time allows."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sag_ros.bench.tasks.command import run
from sag_ros.bench.tasks.options import Options

_FIRST = 10  # episodes a method, by which the rest is planned


@dataclass(frozen=True)
class Play:
    """Which episodes.

    Attributes:
        bundle: folder. task, engine: names.
        seed: of the first episode. most: episodes a method.
        seconds: about how long all of them may take.
        margin: points of success by which one may fall short of dense.
        json: where the result lies, with its journals beside it.
    """

    bundle: Path
    task: str
    engine: str
    seed: int
    most: int
    seconds: float
    margin: float
    processes: int
    json: Path

    def run(self, names: Sequence[str]) -> dict[str, Any]:
        """Play ``names`` on the same seeds; rows as ``sag bench tasks`` has them, by name.

        Raises:
            KeyboardInterrupt: SIGINT or SIGTERM; what was played is kept.
        """
        began = time.monotonic()
        count = min(_FIRST, self.most)
        self._play(names, count)
        took = max(time.monotonic() - began, 1e-3)
        more = min(self.most, int(count * self.seconds / took))
        if more > count:
            self._play(names, more - more % _FIRST)
        content = json.loads(self.json.read_text(encoding="utf-8"))
        return {row["method"]: row for row in content["rows"]}

    def _play(self, names: Sequence[str], episodes: int) -> None:
        options = Options(
            task=self.task,
            methods=",".join(names),
            episodes=episodes,
            seed=self.seed,
            bundle=str(self.bundle),
            engine=self.engine,
            processes=self.processes,
            timed_chunks=0,
            torch_chunks=0,
            margin=self.margin,
            json=self.json,
        )
        if run(options, shown=False) == 130:
            raise KeyboardInterrupt


def short(row: dict[str, Any]) -> dict[str, Any]:
    """What of a row is kept."""
    paired = row["paired"]
    return {
        "successes": row["successes"],
        "episodes": row["episodes"],
        "ci95": row["ci95"],
        "difference": None if paired is None else [paired["difference"], *paired["ci95"]],
        "verdict": row["verdict"],
        "violations": row["violations"],
    }
