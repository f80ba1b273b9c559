"""Progress of a long measurement: a bar on a terminal, a line a minute in a log."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

console = Console()
if not console.is_terminal:  # a log: 80 columns would cut tables
    console = Console(width=120)
INTERVAL = 60.0  # between lines of a log, s


class Result(Protocol):
    """What has been done belongs to a method."""

    @property
    def method(self) -> str:
        """Name of the method."""
        ...


R = TypeVar("R", bound=Result)


class Remaining:
    """How long the rest takes: methods differ by a factor of twenty, so each has its own mean.

    Args:
        jobs: method of every job that is to be done.
        parallel: jobs at the same time.
        known: seconds that earlier jobs of a method took.

    Attributes:
        jobs: number of all jobs.
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


def track(
    results: Iterable[R],
    title: str,
    remaining: Remaining,
    text: Callable[[R], str] = lambda result: result.method,
    seconds: Callable[[R], float] | None = None,
) -> Iterator[R]:
    """Pass ``results`` through and show how many there are, and how long the rest takes.

    Args:
        remaining: of all jobs; counts them down.
        text: what to say about a result.
        seconds: what it took; by default the time since the one before.
    """
    timed = _timed(results, remaining, seconds)
    return (
        _bar(timed, title, remaining, text) if console.is_terminal else _lines(timed, title, remaining, text)
    )


def _timed(results: Iterable[R], remaining: Remaining, seconds: Callable[[R], float] | None) -> Iterator[R]:
    before = time.monotonic()
    for result in results:
        now = time.monotonic()
        took = (now - before) * remaining.parallel if seconds is None else seconds(result)
        remaining.done(result.method, took)
        before = now
        yield result


def _bar(results: Iterable[R], title: str, remaining: Remaining, text: Callable[[R], str]) -> Iterator[R]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[rest]}"),
        TextColumn("{task.fields[last]}"),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(title, total=remaining.jobs, last="", rest=_minutes(remaining))
        for result in results:
            bar.update(task, advance=1, last=text(result), rest=_minutes(remaining))
            yield result


def _lines(results: Iterable[R], title: str, remaining: Remaining, text: Callable[[R], str]) -> Iterator[R]:
    said = time.monotonic()
    for count, result in enumerate(results, 1):
        now = time.monotonic()
        if now - said >= INTERVAL or count == remaining.jobs:
            print(f"{title}: {count}/{remaining.jobs}, {_minutes(remaining)}; {text(result)}", flush=True)
            said = now
        yield result


def _minutes(remaining: Remaining) -> str:
    seconds = remaining.seconds
    if seconds is None:
        return "remaining time not known yet"
    return f"{seconds / 60:.0f} min remaining" if seconds >= 90 else f"{seconds:.0f} s remaining"
