"""Progress of a long measurement: a bar on a terminal, a line a minute in a log."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

console = Console()
if not console.is_terminal:  # a log: 80 columns would cut tables
    console = Console(width=120)
INTERVAL = 60.0  # between lines of a log, s

R = TypeVar("R")


class Remaining:
    """How long the rest takes: methods differ by a factor of twenty, so each has its own mean.

    Args:
        jobs: method of every job that is to be done.
        parallel: jobs at the same time.
        known: seconds that earlier jobs of a method took.
    """

    def __init__(
        self, jobs: Iterable[str], parallel: int = 1, known: Mapping[str, Sequence[float]] | None = None
    ) -> None:
        self._open = Counter(jobs)
        self._seconds = {method: list(seconds) for method, seconds in (known or {}).items()}
        self.jobs, self.parallel = self._open.total(), parallel

    def done(self, method: str, seconds: float) -> None:
        """A job of ``method`` is done; it took ``seconds``."""
        self._open[method] -= 1
        self._seconds.setdefault(method, []).append(seconds)

    @property
    def seconds(self) -> float | None:
        """For what is left; None while nothing is known. A method without a sample is taken for average."""
        means = {method: sum(found) / len(found) for method, found in self._seconds.items() if found}
        if not means:
            return None
        average = sum(means.values()) / len(means)
        total = sum(count * means.get(method, average) for method, count in self._open.items())
        return total / self.parallel

    def __str__(self) -> str:
        seconds = self.seconds
        if seconds is None:
            return "remaining time not known yet"
        return f"{seconds / 60:.0f} min remaining" if seconds >= 90 else f"{seconds:.0f} s remaining"


def track(
    results: Iterable[R],
    title: str,
    remaining: Remaining,
    text: Callable[[Any], str] = lambda result: result.method,
    seconds: Callable[[Any], float] | None = None,
) -> Iterator[R]:
    """Pass ``results`` through and show how many there are, and how long the rest takes.

    Args:
        results: each has a ``method``.
        remaining: of all jobs; counts them down.
        text: what to say about a result.
        seconds: what it took; by default the time since the one before.
    """
    parts = ("{task.description}", "{task.fields[rest]}", "{task.fields[last]}")
    name, rest, last = map(TextColumn, parts)
    columns = (name, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), rest, last)
    before = said = time.monotonic()
    with Progress(*columns, console=console) if console.is_terminal else nullcontext() as bar:
        task = bar and bar.add_task(title, total=remaining.jobs, last="", rest=remaining)
        for count, result in enumerate(results, 1):
            now = time.monotonic()
            took = (now - before) * remaining.parallel if seconds is None else seconds(result)
            remaining.done(result.method, took)
            before = now
            if bar:
                bar.update(task, advance=1, last=text(result), rest=remaining)
            elif now - said >= INTERVAL or count == remaining.jobs:
                print(f"{title}: {count}/{remaining.jobs}, {remaining}; {text(result)}", flush=True)
                said = now
            yield result
