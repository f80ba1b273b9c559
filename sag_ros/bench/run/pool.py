"""Worker processes for episodes: each builds its robot and policy once."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.pool import Pool
from typing import Any

from sag_ros.bench.run.interrupt import deaf_children

_worker: Any = None  # of this process of the pool


def _start(build: Callable[[Any], Any], setting: Any) -> None:
    global _worker
    _worker = build(setting)


def run(job: tuple[Any, ...]) -> Any:
    """In a process of the pool: ``worker.run(*job)``."""
    return _worker.run(*job)


@contextmanager
def worker_pool(build: Callable[[Any], Any], setting: Any, processes: int) -> Iterator[Pool]:
    """Processes that each hold ``build(setting)``; let them execute :func:`run`. SIGINT is the parent's."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    # spawn: neither OpenGL contexts nor thread pools survive a fork.
    context = multiprocessing.get_context("spawn")
    with deaf_children():
        pool = context.Pool(processes, _start, (build, setting))
    with pool:
        yield pool


def play(worker: Any, setting: Any, jobs: Sequence[tuple[Any, ...]], processes: int) -> Iterator[Any]:
    """Results of ``worker.run(*job)``, as they finish: here, or in ``processes`` with a worker each."""
    if processes == 1 or len(jobs) < 2:
        for job in jobs:
            yield worker.run(*job)
        return
    with worker_pool(type(worker), setting, min(processes, len(jobs))) as pool:
        yield from pool.imap_unordered(run, jobs)
