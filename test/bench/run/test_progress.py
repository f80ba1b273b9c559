from __future__ import annotations

from types import SimpleNamespace

import pytest

from sag_ros.bench.run import progress
from sag_ros.bench.run.progress import Remaining


def test_each_method_has_its_own_mean():
    rest = Remaining(["dense", "dense", "sag", "sag"], known={"dense": [10.0, 20.0]})
    assert rest.seconds == pytest.approx(15 * 4)  # sag is taken for average
    rest.done("sag", 1.0)
    assert rest.seconds == pytest.approx(15 + 15 + 1)
    rest.done("dense", 30.0)
    assert rest.seconds == pytest.approx(20 + 1)


def test_parallel_jobs_share_the_time():
    assert Remaining(["a"] * 6, 3, {"a": [2.0]}).seconds == pytest.approx(4.0)


def test_nothing_is_known_at_first():
    rest = Remaining(["a", "a"], known={"a": []})
    assert rest.seconds is None
    rest.done("a", 3.0)
    assert rest.seconds == 3.0


def test_log_says_how_far_it_is(capsys, monkeypatch):
    monkeypatch.setattr(progress, "console", SimpleNamespace(is_terminal=False))
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    results = [SimpleNamespace(method="sag", cost=200.0), SimpleNamespace(method="sag", cost=100.0)]
    rest = Remaining(["sag", "sag"])
    passed = progress.track(iter(results), "title", rest, seconds=lambda result: result.cost)
    assert list(passed) == results
    assert capsys.readouterr().out.splitlines() == [
        "title: 1/2, 3 min remaining; sag",
        "title: 2/2, 0 s remaining; sag",
    ]


def test_without_known_costs_the_time_between_results_counts(monkeypatch):
    monkeypatch.setattr(progress, "console", SimpleNamespace(is_terminal=False))
    clock = iter([0.0, 10.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    rest = Remaining(["sag"] * 5, parallel=2)
    assert next(progress.track(iter([SimpleNamespace(method="sag")]), "title", rest)).method == "sag"
    assert rest.seconds == pytest.approx(4 * 20.0 / 2)
