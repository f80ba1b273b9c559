from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from sag_ros.bench.run.journal import Journal
from sag_ros.bench.run.records import Turn
from sag_ros.bench.tasks import times as task_times
from sag_ros.values import Observation, Timing

MACHINE = {"cpu": "a"}
METHODS = {name: {"mask_source": name, "engine": "native-bf16"} for name in ("dense", "sag")}


def observation(stamp):
    images = {"front": np.stack([np.full((2, 2, 3), round(stamp * 10) + n, np.uint8) for n in range(2)])}
    return Observation(stamp, images, np.zeros((2, 8)))


RECORDINGS = [[observation(0.0), observation(0.4), observation(0.8)], [observation(0.0), observation(0.4)]]


class Runner:
    """Remembers the order of what it was asked."""

    def __init__(self):
        self.calls = []

    def reset(self, seed):
        self.calls.append("reset")

    def encode(self, camera, image):
        return int(image[0, 0, 0])

    def features(self, frames, states):
        return [frame["front"] for frame in frames]

    def infer(self, stamp, features, *more):
        self.calls.append((stamp, *features))
        timing = Timing(pruner_ms=1.0, denoise_ms=3.0, extra={"plan_ms": 2.0})
        return SimpleNamespace(timing=timing)


class Worker:
    def __init__(self):
        self.runners, self.turns = {}, []

    def runner(self, name, engine):
        self.turns.append((name, engine))
        return self.runners.setdefault((name, engine), Runner())


def journal(path, clock="engine", machine=MACHINE, torch_chunks=3):
    recorded = task_times.recorded(METHODS["dense"], [1, 2])
    identities = {
        name: task_times.identity(own, clock, torch_chunks, recorded, machine)
        for name, own in METHODS.items()
    }
    return Journal(path, identities, Turn)


def measure(worker, journal, clock="engine", chunks=5):
    task_times.measure(worker, journal, RECORDINGS, clock, chunks, "title")


def test_turn_plays_an_episode_in_order_from_a_fresh_start():
    runner = Runner()
    turn = task_times.take_turn(runner, "sag", 7, RECORDINGS[0])
    # The chunk before is not counted, and the runner begins anew after it.
    assert runner.calls[:2] == ["reset", (0.0, 0, 1)]
    assert runner.calls[2:] == ["reset", (0.0, 0, 1), (0.4, 4, 5), (0.8, 8, 9)]
    assert (turn.method, turn.number) == ("sag", 7)
    assert (turn.pruner, turn.plan, turn.denoise) == ([1.0] * 3, [2.0] * 3, [3.0] * 3)
    assert len(turn.encode) == 3


def test_only_the_newest_frame_counts_as_encoding(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(task_times.time, "perf_counter", lambda: clock[0])

    class Slow(Runner):
        def encode(self, camera, image):
            clock[0] += 0.5
            return super().encode(camera, image)

    assert task_times.take_turn(Slow(), "sag", 0, RECORDINGS[1]).encode == [500.0, 500.0]


def test_methods_take_turns_and_the_first_changes(tmp_path):
    worker, times = Worker(), journal(tmp_path / "t.jsonl")
    measure(worker, times)
    assert [name for name, _ in worker.turns] == ["dense", "sag", "sag", "dense"]
    assert [len(turn.encode) for turn in times.records("sag")] == [3, 2]  # the recordings in rotation


def test_continues_with_what_is_missing(tmp_path):
    path = tmp_path / "t.jsonl"
    measure(Worker(), journal(path), chunks=3)
    worker = Worker()
    measure(worker, journal(path), chunks=8)
    assert len(worker.turns) == 4  # turns 1 and 2
    again = Worker()
    measure(again, journal(path), chunks=8)
    assert again.turns == []
    assert task_times.incomplete(journal(path), 8) == []


def test_a_method_that_is_added_is_measured_alone(tmp_path):
    path = tmp_path / "t.jsonl"
    times = journal(path)
    for number in range(2):
        times.append(task_times.take_turn(Runner(), "dense", number, RECORDINGS[number]))
    worker = Worker()
    measure(worker, journal(path))
    assert [name for name, _ in worker.turns] == ["sag", "sag"]


def test_other_machines_do_not_count(tmp_path):
    path = tmp_path / "t.jsonl"
    measure(Worker(), journal(path))
    other = journal(path, machine={"cpu": "b"})
    assert task_times.incomplete(other, 5) == ["dense", "sag"]
    assert other.foreign == 4


def test_plain_torch_plays_the_first_chunks_once(tmp_path):
    worker, times = Worker(), journal(tmp_path / "t.jsonl", "torch", torch_chunks=2)
    measure(worker, times, "torch", 2)
    assert worker.turns == [("dense", "reference"), ("sag", "reference")]
    assert worker.runners["sag", "reference"].calls == ["reset", (0.0, 0, 1), (0.4, 4, 5)]
    assert times.identities["sag"]["engine"] == "reference"
    assert task_times.incomplete(times, 2) == []


def test_nothing_is_measured_without_chunks(tmp_path):
    worker = Worker()
    measure(worker, journal(tmp_path / "t.jsonl"), chunks=0)
    assert worker.turns == []


def test_turns_needed():
    assert [task_times.turns_needed(RECORDINGS, chunks) for chunks in (1, 3, 4, 5, 6, 10)] == [
        1,
        1,
        2,
        2,
        3,
        4,
    ]


def test_record_keeps_the_episodes_that_have_observations():
    def run(seed, witness):
        for n in range(seed):
            witness(observation(n))

    found = task_times.record(run, [2, 0, 1])
    assert [[one.stamp for one in recording] for recording in found] == [[0, 1], [0]]


def test_what_is_kept_comes_from_the_machine_of_the_last_line(tmp_path):
    path = tmp_path / "t.jsonl"
    measure(Worker(), journal(path, machine={"cpu": "b"}))
    measure(Worker(), journal(path))
    torch = journal(path, "torch", torch_chunks=2)
    measure(Worker(), torch, "torch", 2)
    machine, identities = task_times.kept(path, METHODS, 2)
    assert machine == MACHINE
    assert identities["engine"] == journal(path).identities
    assert identities["torch"] == torch.identities
    assert task_times.kept(tmp_path / "none.jsonl", METHODS, 2) == ({}, {"engine": {}, "torch": {}})


def test_times_of_other_weights_are_not_kept(tmp_path):
    path = tmp_path / "t.jsonl"
    measure(Worker(), journal(path))
    _, identities = task_times.kept(path, {"sag": {**METHODS["sag"], "weights": "new"}}, 2)
    assert identities["engine"] == {}


@pytest.mark.parametrize("changed", [{"seeds": [1, 3]}, {"policy": "x"}])
def test_other_observations_do_not_count(tmp_path, changed):
    first = task_times.recorded(METHODS["dense"], [1, 2])
    one = task_times.identity(METHODS["sag"], "engine", 3, first, MACHINE)
    other = task_times.identity(METHODS["sag"], "engine", 3, {**first, **changed}, MACHINE)
    path = tmp_path / "t.jsonl"
    Journal(path, {"sag": one}, Turn).append(Turn("sag", 0, [1.0], [1.0], [1.0], [1.0]))
    assert Journal(path, {"sag": other}, Turn).foreign == 1
