from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from sag_ros import cli
from sag_ros.bench.run.records import EpisodeResult
from sag_ros.bench.tasks import command as tasks
from sag_ros.bench.tasks import pictures
from sag_ros.bench.tasks.options import Options
from sag_ros.values import Observation, Timing

MS = {"dense": 40.0, "ddim30": 20.0, "sag": 10.0}
SEEN = Observation(0.0, {"front": np.zeros((2, 2, 2, 3), np.uint8)}, np.zeros((2, 8)))


class Runner:
    """Stands in for a policy whose times are known."""

    def __init__(self, worker, name):
        self.worker, self.name = worker, name

    def reset(self, seed):
        pass

    def encode(self, camera, image):
        return 0

    def features(self, frames, states):
        return None

    def infer(self, stamp, features, *more):
        self.worker.count(self.worker.timed, self.name)
        return SimpleNamespace(timing=Timing(denoise_ms=MS[self.name]))


class Worker:
    """Stands in for simulation and policy; remembers what it ran and may be interrupted."""

    ran: list[tuple[str, int]]
    timed: list[str]
    interrupt_after = 1000
    weights: dict[str, str]

    def __init__(self, settings):
        self.settings = settings

    def close(self):
        pass

    def count(self, what, entry):
        if len(self.ran) + len(self.timed) >= self.interrupt_after:
            raise KeyboardInterrupt
        what.append(entry)

    def identity(self, name):
        common = {"format": 2, "task": self.settings.task, "engine": "fake", "sampler": "ddpm"}
        chosen = {name: getattr(self.settings, name) for name in ("delay", "noise")}
        chosen["execute"] = self.settings.execute or 8
        source = {"ddpm": "dense"}.get(name, name)
        return {**common, **chosen, "mask_source": source, "weights": self.weights.get(name, "abc")}

    def runner(self, name, engine=""):
        return Runner(self, name)

    def run(self, method, seed, witness=None):
        if witness is not None:
            witness(SEEN)
            witness(SEEN)
            return None
        self.count(self.ran, (method, seed))
        return EpisodeResult(method, seed, seed != 100_001, "", 5.0, 0.5, chunks=2, rms_jerk=100.0)


@pytest.fixture
def worker(monkeypatch):
    Worker.ran, Worker.timed, Worker.interrupt_after, Worker.weights = [], [], 1000, {}
    monkeypatch.setattr(tasks, "Worker", Worker)
    # Drawing takes a second; test_task_report does it.
    monkeypatch.setattr(pictures, "draw", lambda content, path: path.write_bytes(b"picture"))
    return Worker


@pytest.fixture
def options(tmp_path):
    return lambda **changes: Options(
        **{
            "episodes": 3,
            "timed_chunks": 4,
            "torch_chunks": 1,
            "json": tmp_path / "out" / "tasks.json",
            **changes,
        }
    )


def content(options):
    return json.loads(options.json.read_text())


def rows(options):
    return {row["method"]: row for row in content(options)["rows"]}


def test_every_method_plays_the_same_seeds(worker, options):
    assert tasks.main(options()) == 0
    for method in MS:
        assert [seed for name, seed in worker.ran if name == method] == [100_000, 100_001, 100_002]
    assert [method for method, _ in worker.ran[:3]] == ["dense", "ddim30", "sag"]
    found = rows(options())
    assert list(found) == ["dense", "ddim30", "sag"]
    assert (found["sag"]["episodes"], found["sag"]["successes"]) == (3, 2)
    assert found["sag"]["paired"]["pairs"] == 3


def test_times_are_measured_after_the_episodes(worker, options):
    tasks.main(options())
    found = rows(options())
    assert [found[method]["policy_speedup"] for method in MS] == [1.0, 2.0, 4.0]
    assert found["sag"]["ms"]["chunks"] == 4
    assert found["sag"]["torch_ms"]["chunks"] == 1
    # Two turns of two chunks with one more ahead, and one chunk in plain torch.
    assert {name: worker.timed.count(name) for name in MS} == dict.fromkeys(MS, 7)


def test_interrupted_run_reports_and_continues(worker, options):
    worker.interrupt_after = 4
    assert tasks.main(options()) == 130
    assert content(options())["complete"] is False
    assert {name: row["episodes"] for name, row in rows(options()).items()} == {
        "dense": 2,
        "ddim30": 1,
        "sag": 1,
    }
    assert (options().json.parent / "tasks.html").exists()
    first, worker.ran, worker.interrupt_after = worker.ran, [], 1000
    assert tasks.main(options()) == 0
    assert len(worker.ran) == 5
    assert not set(first) & set(worker.ran)
    assert content(options())["complete"] is True
    assert all(row["episodes"] == 3 for row in rows(options()).values())


def test_interrupted_times_continue(worker, options):
    worker.interrupt_after = 9 + 4  # one turn of one method and a part of the next
    assert tasks.main(options()) == 130
    assert content(options())["complete"] is False
    assert [name for name, row in rows(options()).items() if row["ms"]] == ["dense"]
    worker.ran, worker.timed, worker.interrupt_after = [], [], 1000
    assert tasks.main(options()) == 0
    assert worker.ran == []
    assert worker.timed.count("dense") == 4  # its second turn and plain torch
    assert worker.timed.count("sag") == 7


def test_interruption_before_anything_was_measured(worker, options):
    worker.interrupt_after = 0
    assert tasks.main(options()) == 130
    assert content(options())["rows"] == []


def test_another_method_or_more_episodes_reuse_what_is_done(worker, options):
    tasks.main(options(methods="dense,sag"))
    worker.ran, worker.timed = [], []
    tasks.main(options(episodes=4))
    assert worker.ran == [
        ("ddim30", 100_000),
        ("ddim30", 100_001),
        ("ddim30", 100_002),
        ("dense", 100_003),
        ("ddim30", 100_003),
        ("sag", 100_003),
    ]
    assert set(worker.timed) == {"ddim30"}


def test_other_weights_of_one_method_start_that_one_over(worker, options):
    tasks.main(options())
    worker.ran, worker.weights = [], {"sag": "def"}
    tasks.main(options())
    assert [name for name, _ in worker.ran] == ["sag"] * 3


def test_retime_measures_times_alone_again(worker, options):
    tasks.main(options())
    worker.ran, worker.timed = [], []
    tasks.main(options(retime=True))
    assert worker.ran == []
    assert {name: worker.timed.count(name) for name in MS} == dict.fromkeys(MS, 7)


def test_no_times_when_none_are_asked_for(worker, options):
    tasks.main(options(timed_chunks=0, torch_chunks=0))
    assert worker.timed == []
    assert rows(options())["sag"]["ms"] is None
    assert content(options())["pareto"] == []


def test_report_only_runs_nothing(worker, options, monkeypatch):
    tasks.main(options())
    before = content(options())
    options().json.unlink()
    monkeypatch.setattr(tasks, "Worker", None)
    assert tasks.main(options(report_only=True)) == 0
    after = content(options())
    assert after["rows"] == before["rows"]
    assert after["command"] == before["command"]
    assert after["hardware"]["cpu"] == before["hardware"]["cpu"]


def test_report_only_takes_what_there_is(worker, options, capsys):
    tasks.main(options(methods="dense"))
    assert tasks.main(options(report_only=True)) == 0
    assert "not measured: ddim30, sag" in capsys.readouterr().err
    assert list(rows(options())) == ["dense"]


def test_report_only_without_anything(worker, options):
    with pytest.raises(ValueError, match="has no episodes of dense"):
        tasks.main(options(report_only=True))


def test_lines_of_the_old_format_are_foreign(worker, options, capsys):
    path = options().journal("episodes")
    path.parent.mkdir()
    old = {
        "identity": {"task": "pick_release", "engine": ["fake"]},
        "method": "sag",
        "seed": 100_000,
        "ms": [1.0],
    }
    path.write_text(json.dumps(old) + "\n")
    assert tasks.main(options()) == 0
    assert "0 of 9 episodes are done, 1 lines belong to other methods" in capsys.readouterr().out
    assert len(worker.ran) == 9


def test_the_same_method_twice_is_refused(worker, options):
    with pytest.raises(ValueError, match="'dense' and 'ddpm' are the same"):
        tasks.main(options(methods="dense,ddpm"))
    assert worker.ran == []


def test_result_says_where_and_how(worker, options):
    tasks.main(options())
    found = content(options())
    assert found["hardware"]["cpu"]
    assert found["settings"]["execute"] == 8
    assert found["rows"][0]["engine"] == "fake"
    assert found["command"].startswith("sag bench tasks --task pick_release --methods dense,ddim30,sag")
    page = (options().json.parent / "tasks.html").read_text()
    assert "data:image/png;base64," in page
    assert (options().json.parent / "tasks.png").read_bytes() == b"picture"


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
