from __future__ import annotations

import os

import pytest
from pool_fakes import Worker

from sag_ros.bench.run.pool import play

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
