"""Progress of a long measurement: a bar on a terminal, a line a minute in a log."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from sag_ros.bench.journal import EpisodeResult

console = Console()
INTERVAL = 60.0  # between lines of a log, s


def track(results: Iterable[EpisodeResult], total: int, title: str) -> Iterator[EpisodeResult]:
    """Pass ``results`` through and show how many of ``total`` there are, and what remains."""
    return _bar(results, total, title) if console.is_terminal else _lines(results, total, title)


def _bar(results: Iterable[EpisodeResult], total: int, title: str) -> Iterator[EpisodeResult]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("remaining"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[last]}"),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(title, total=total, last="")
        for result in results:
            bar.update(task, advance=1, last=_text(result))
            yield result


def _lines(results: Iterable[EpisodeResult], total: int, title: str) -> Iterator[EpisodeResult]:
    start = said = time.monotonic()
    for count, result in enumerate(results, 1):
        now = time.monotonic()
        if now - said >= INTERVAL or count == total:
            remaining = (now - start) / count * (total - count)
            print(
                f"{title}: {count}/{total}, {remaining / 60:.0f} min remaining; {_text(result)}", flush=True
            )
            said = now
        yield result


def _text(result: EpisodeResult) -> str:
    return f"{result.method} {result.seed}: {result.message}"
