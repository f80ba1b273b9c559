from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from sag_ros import cli
from sag_ros.bench import tasks
from sag_ros.bench.journal import EpisodeResult
from sag_ros.bench.tasks import Options

MS = {"dense": 40.0, "ddim30": 20.0, "sag": 10.0}


class Worker:
    """Stands in for simulation and policy; remembers what it ran and may be interrupted."""

    ran: list[tuple[str, int]]
    interrupt_after = 1000
    weights = "abc"

    def __init__(self, options):
        self.bundle = SimpleNamespace(weights_hash=self.weights)

    def runner(self, name):
        return SimpleNamespace(engine_name="fake")

    def run(self, method, seed):
        if len(self.ran) >= self.interrupt_after:
            raise KeyboardInterrupt
        self.ran.append((method, seed))
        return EpisodeResult(method, seed, seed != 100_001, "", 5.0, 0.5, ms=[MS[method]])


@pytest.fixture
def worker(monkeypatch):
    Worker.ran, Worker.interrupt_after, Worker.weights = [], 1000, "abc"
    monkeypatch.setattr(tasks, "Worker", Worker)
    return Worker


@pytest.fixture
def options(tmp_path):
    return Options(episodes=3, json=tmp_path / "out" / "tasks.json")


def rows(options):
    return {row["method"]: row for row in json.loads(options.json.read_text())["rows"]}


def test_every_method_plays_the_same_seeds(worker, options):
    assert tasks.main(options) == 0
    for method in MS:
        assert [seed for name, seed in worker.ran if name == method] == [100_000, 100_001, 100_002]
    assert [method for method, _ in worker.ran[:3]] == ["dense", "ddim30", "sag"]
    found = rows(options)
    assert list(found) == ["dense", "ddim30", "sag"]
    assert (found["sag"]["episodes"], found["sag"]["successes"]) == (3, 2)
    assert [found[method]["speedup"] for method in MS] == [1.0, 2.0, 4.0]


def test_interrupted_run_reports_and_continues(worker, options):
    worker.interrupt_after = 4
    assert tasks.main(options) == 130
    assert json.loads(options.json.read_text())["complete"] is False
    assert {name: row["episodes"] for name, row in rows(options).items()} == {
        "dense": 2,
        "ddim30": 1,
        "sag": 1,
    }
    first, worker.ran, worker.interrupt_after = worker.ran, [], 1000
    assert tasks.main(options) == 0
    assert len(worker.ran) == 5
    assert not set(first) & set(worker.ran)
    assert json.loads(options.json.read_text())["complete"] is True
    assert all(row["episodes"] == 3 for row in rows(options).values())


def test_other_weights_start_over(worker, options):
    tasks.main(options)
    worker.ran, worker.weights = [], "def"
    tasks.main(options)
    assert len(worker.ran) == 9


def test_result_says_where_and_how(worker, options):
    tasks.main(options)
    content = json.loads(options.json.read_text())
    assert content["hardware"]["cpu"]
    assert content["settings"]["engine"] == ["fake"]
    assert content["settings"]["execute"] == 8


@pytest.mark.parametrize("name", ["episodes", "execute", "processes"])
def test_counts_are_positive(name):
    with pytest.raises(ValueError, match=f"--{name} must be at least 1; got 0"):
        Options(**{name: 0})


def test_command_line(worker, tmp_path):
    path = tmp_path / "x.json"
    arguments = ["--methods", "sag", "--episodes", "2", "--seed", "7", "--json", str(path)]
    assert cli.main(["bench", "tasks", "--task", "pick_release", *arguments]) == 0
    assert worker.ran == [("sag", 7), ("sag", 8)]
    assert json.loads(path.read_text())["rows"][0]["speedup"] is None


def test_unknown_method_is_refused_before_anything_runs(worker, tmp_path, capsys):
    assert cli.main(["bench", "tasks", "--methods", "dense,magic", "--json", str(tmp_path / "x.json")]) == 2
    assert "magic" in capsys.readouterr().err
    assert worker.ran == []
