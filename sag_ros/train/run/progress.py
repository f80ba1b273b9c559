"""Records of a training run: one JSON line and one printed line a minute, and the loss curve."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def read_records(path: str | Path) -> list[dict[str, Any]]:
    """All complete records of a JSONL file; a last line cut short by a crash is ignored."""
    records = []
    if Path(path).exists():
        for line in Path(path).read_text().splitlines():
            try:
                records.append(json.loads(line))
            except json.JSONDecodeError:
                continue
    return records


def plot_losses(path: str | Path, records: list[dict[str, Any]], title: str) -> None:
    """PNG of every top-level entry named ``loss`` or ``*_loss`` over the iteration, logarithmic."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    names = {key for record in records for key in record if key == "loss" or key.endswith("_loss")}
    for name in sorted(names):
        points = [(record["iteration"], record[name]) for record in records if name in record]
        axes.plot(*zip(*points, strict=True), marker=".", label=name)
    axes.set(xlabel="iteration", ylabel="loss", title=title, yscale="log")
    axes.grid(True, which="both", alpha=0.3)
    if names:
        axes.legend()
    figure.savefig(path, dpi=110)


class Progress:
    """Collects the loss of each iteration; about once a minute turns it into a record.

    Files: ``<folder>/log.jsonl`` and ``<folder>/loss.png``.
    """

    def __init__(self, folder: str | Path, name: str, iterations: int, seconds: float = 60.0) -> None:
        self.folder, self.name, self.iterations, self.seconds = Path(folder), name, iterations, seconds
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path = self.folder / "log.jsonl"
        self._begin()

    def _begin(self) -> None:
        self._losses: list[Any] = []
        self._since = time.monotonic()

    def continue_from(self, iteration: int) -> None:
        """Forget records later than ``iteration``: they will be made again."""
        records = [record for record in read_records(self.path) if record["iteration"] <= iteration]
        self.path.write_text("".join(json.dumps(record) + "\n" for record in records))
        self._begin()

    def add(self, loss: Any) -> None:
        """Note the loss of one iteration (a number or a 0-d tensor)."""
        self._losses.append(loss)

    @property
    def due(self) -> bool:
        """Whether a record should be made now."""
        return time.monotonic() - self._since >= self.seconds

    def record(self, iteration: int, values: Mapping[str, Any]) -> dict[str, Any]:
        """Write and print a record of the iterations since the last one; ``iteration`` of them are done."""
        count = len(self._losses)
        entry: dict[str, Any] = {"iteration": iteration, "unix_time": round(time.time(), 1)}
        if count:
            entry["seconds_per_iteration"] = round((time.monotonic() - self._since) / count, 4)
            entry["loss"] = float(sum(float(loss) for loss in self._losses) / count)
        entry |= values
        with self.path.open("a") as file:
            file.write(json.dumps(entry) + "\n")
        shown = {key: value for key, value in entry.items() if key not in ("iteration", "unix_time")}
        print(f"[{self.name}] {iteration}/{self.iterations} {_text(shown)}", flush=True)
        self._begin()
        return entry

    def plot(self) -> None:
        """Redraw the loss curve."""
        records = read_records(self.path)
        if records:
            plot_losses(self.folder / "loss.png", records, self.name)


def _text(values: Mapping[str, Any]) -> str:
    parts = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            parts.append(f"{key}({_text(value)})")
        else:
            parts.append(f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}")
    return " ".join(parts)
