from __future__ import annotations

import os
from concurrent.futures.process import BrokenProcessPool
from importlib import import_module

import pytest
from pool_fakes import Worker

from sag_ros.bench.run.pool import play, run, worker_pool

JOBS = [("a", 1), ("b", 1), ("a", 2)]


def test_one_process_plays_in_order():
    worker = Worker("x")
    assert [found[:2] for found in play(worker, "x", JOBS, 1)] == JOBS == worker.ran
    assert list(play(worker, "x", [], 4)) == []


@pytest.mark.timeout(60)
def test_processes_build_workers_of_their_own():
    worker = Worker("here")
    found = list(play(worker, "there", JOBS, 2))
    assert sorted(one[:3] for one in found) == sorted((*job, "there") for job in JOBS)
    assert worker.ran == []
    assert os.getpid() not in {one[3] for one in found}


def shell(script):
    """A job for a worker that is the module subprocess: its ``run`` is called with these words."""
    return (["sh", "-c", script],)


def codes(results):
    return [result.returncode for result in results]


def test_jobs_run_in_workers_that_ignore_sigint():
    jobs = [shell("kill -INT $PPID; exit 1"), shell("exit 2"), shell("exit 3")]
    with worker_pool(import_module, "subprocess", 2) as pool:
        assert codes(pool.map(run, jobs, chunksize=1)) == [1, 2, 3]
        assert sorted(codes(pool.imap_unordered(run, jobs))) == [1, 2, 3]


def test_a_worker_that_dies_ends_the_wait():
    with worker_pool(import_module, "subprocess", 1) as pool, pytest.raises(BrokenProcessPool):
        list(pool.imap_unordered(run, [shell("kill -KILL $PPID; sleep 1")]))


def interrupted():
    with worker_pool(import_module, "subprocess", 1) as pool:
        pool.map(run, [shell("exit 0")])
        pool.submit(run, shell("sleep 600"))
        raise KeyboardInterrupt


@pytest.mark.timeout(60)  # of what is running, which takes longer
def test_an_interruption_does_not_wait_for_what_is_running():
    with pytest.raises(KeyboardInterrupt):
        interrupted()
