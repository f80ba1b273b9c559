"""Worker processes for episodes: each builds its robot and policy once."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import Any

from sag_ros.bench.run.interrupt import deaf_children

_worker: Any = None  # of this process of the pool


def _start(build: Callable[[Any], Any], setting: Any) -> None:
    global _worker
    _worker = build(setting)


def run(job: tuple[Any, ...]) -> Any:
    """In a process of the pool: ``worker.run(*job)``."""
    return _worker.run(*job)


class Workers(ProcessPoolExecutor):
    """Processes that ignore SIGINT; it is the parent's. One that dies raises BrokenProcessPool."""

    def submit(self, *call: Any, **named: Any) -> Future[Any]:
        """As ever; this is where processes are started."""
        with deaf_children():
            return super().submit(*call, **named)

    def map(self, function: Callable[[Any], Any], jobs: Iterable[Any], **named: Any) -> list[Any]:
        """All results, in the order of the jobs."""
        return list(super().map(function, jobs, **named))

    def imap_unordered(self, function: Callable[[Any], Any], jobs: Iterable[Any]) -> Iterator[Any]:
        """Results in the order in which they are ready."""
        for done in as_completed([self.submit(function, job) for job in jobs]):
            yield done.result()


@contextmanager
def worker_pool(build: Callable[[Any], Any], setting: Any, processes: int) -> Iterator[Workers]:
    """Processes that each hold ``build(setting)``; let them execute :func:`run`."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    others = set(multiprocessing.active_children())
    # spawn: neither OpenGL contexts nor thread pools survive a fork.
    workers = Workers(processes, multiprocessing.get_context("spawn"), _start, (build, setting))
    try:
        yield workers
    except BaseException:  # nobody waits for what is running now
        for child in set(multiprocessing.active_children()) - others:
            child.terminate()
        raise
    finally:
        workers.shutdown(cancel_futures=True)


def play(worker: Any, setting: Any, jobs: Sequence[tuple[Any, ...]], processes: int) -> Iterator[Any]:
    """Results of ``worker.run(*job)``, as they finish: here, or in ``processes`` with a worker each."""
    if processes == 1 or len(jobs) < 2:
        for job in jobs:
            yield worker.run(*job)
        return
    with worker_pool(type(worker), setting, min(processes, len(jobs))) as pool:
        yield from pool.imap_unordered(run, jobs)
