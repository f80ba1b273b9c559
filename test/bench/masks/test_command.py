from __future__ import annotations

import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from mask_fakes import episode, mask, name

from sag_ros import cli
from sag_ros.bench.masks import command as masks
from sag_ros.bench.masks import worker as mask_worker
from sag_ros.bench.masks.options import Options
from sag_ros.bench.masks.record import ADAPTIVE, DENSE, Job, decode_mask

PHASE_MASKS = {
    "approach": mask((1, 0)),
    "grasp": mask((1, 0), (2, 1)),
    "carry": mask((1, 0)),
    "release": mask((4, 5)),
}
BAD = name(PHASE_MASKS["release"])


class Worker:
    """Stands in for simulation and policy: the mask of the release fails when it is kept throughout."""

    ran: list
    interrupt_after = 1000

    def __init__(self, setting):
        self.bundle = SimpleNamespace(
            weights_hash="abc", contract=SimpleNamespace(cameras={"front": None, "wrist": None})
        )
        self.runner = SimpleNamespace(engine_name="fake")
        self.source = SimpleNamespace(reuse="type")
        picture = np.zeros((8, 8, 3), np.uint8)
        self.robot = SimpleNamespace(render_video_frame=lambda *_: picture)

    def run(self, *parts):
        job = Job(*parts)
        if len(self.ran) >= self.interrupt_after:
            raise KeyboardInterrupt
        self.ran.append(job)
        if job.method == ADAPTIVE:
            return episode(job.seed, list(PHASE_MASKS.items()))
        if job.method != DENSE:
            assert name(decode_mask(job.mask)) == job.method
        return episode(job.seed, [], job.method != BAD, job.method)

    def watch(self, method, seed):
        found = episode(seed, list(PHASE_MASKS.items()))
        return found, SimpleNamespace(states=[SimpleNamespace(qpos=0, mocap_pos=0)] * len(found.times))


@pytest.fixture
def worker(monkeypatch):
    Worker.ran, Worker.interrupt_after = [], 1000
    monkeypatch.setattr(masks, "MaskWorker", Worker)
    return Worker


@pytest.fixture
def undrawn(worker, monkeypatch):
    """Drawing takes a second; most tests are about the numbers."""
    monkeypatch.setattr("sag_ros.bench.masks.picture.draw", lambda study, scenes, found, path: path)
    return worker


@pytest.fixture
def options(tmp_path):
    return Options(episodes=4, calibration_episodes=2, seed=100, json=tmp_path / "out" / "m.json")


def rows(options):
    return {row["method"]: row for row in json.loads(options.json.read_text())["rows"]}


def test_every_mask_of_the_calibration_plays_the_evaluation_seeds(undrawn, options):
    assert masks.main(options) == 0
    assert [(job.method, job.seed) for job in undrawn.ran[:2]] == [(ADAPTIVE, 99), (ADAPTIVE, 98)]
    evaluation = undrawn.ran[2:]
    # The mean of these masks is one of them, so it is not run twice.
    methods = {ADAPTIVE, DENSE, *(name(m) for m in PHASE_MASKS.values())}
    assert {job.method for job in evaluation} == methods
    assert len(evaluation) == 4 * len(methods)
    assert {job.seed for job in evaluation} == {100, 101, 102, 103}
    assert {job.seed for job in evaluation[: len(methods)]} == {100}  # pairs first
    found = rows(options)
    assert list(found) == [ADAPTIVE, DENSE, "mean", "A", "B", "C"]
    assert found["mean"]["digest"] in {found[letter]["digest"] for letter in "ABC"}
    (bad,) = (row for row in found.values() if row["digest"] == BAD)
    assert (bad["successes"], bad["lost"], bad["won"], bad["pairs"]) == (0, 4, 0, 4)
    assert all(row["successes"] == 4 for row in found.values() if row is not bad)


def test_numbers_of_phases_and_gates(undrawn, options):
    masks.main(options)
    content = json.loads(options.json.read_text())
    assert content["phases"]["release"] == {
        "inferences": 4,
        "density": pytest.approx(4 / 30, abs=1e-4),
        "differing_gates": 2.0,  # the mean mask has (1, 0) instead of (4, 5)
        "masks": {"C": 1.0},
    }
    assert content["distinct_masks"] == 3
    assert content["gates"]["always"] == 3
    assert content["gates"]["varying"] == [[2, 0, 0.75], [3, 1, 0.25], [5, 5, 0.25]]
    assert content["settings"]["calibration_seeds"] == [99, 98]


def test_the_picture_shows_what_there_is(worker, options):
    masks.main(options)
    picture = cv2.imread(str(options.json.with_suffix(".png")))
    assert min(picture.shape[:2]) > 1500
    orange = np.abs(picture.astype(int) - [0x00, 0x5E, 0xD5]).max(axis=2) < 30
    assert orange.sum() > 1000


def test_interrupted_run_keeps_what_it_has_and_continues(undrawn, options):
    undrawn.interrupt_after = 9
    assert masks.main(options) == 130
    assert json.loads(options.json.read_text())["complete"] is False
    assert rows(options)[ADAPTIVE]["episodes"] == 2
    first, undrawn.ran, undrawn.interrupt_after = undrawn.ran, [], 1000
    assert masks.main(options) == 0
    assert not {(job.method, job.seed) for job in first} & {(job.method, job.seed) for job in undrawn.ran}
    assert rows(options)[ADAPTIVE]["episodes"] == 4


def test_interrupted_in_the_calibration_there_is_no_study_yet(worker, options):
    worker.interrupt_after = 1
    assert masks.main(options) == 130
    assert rows(options) == {}
    assert not options.json.with_suffix(".png").exists()


def test_failed_calibration_episodes_are_left_out(undrawn, options, monkeypatch):
    odd = mask((3, 3))

    def run(self, *parts):
        job = Job(*parts)
        self.ran.append(job)
        if job.seed == 98:
            return episode(98, [("approach", odd)] * 50, success=False)
        return episode(job.seed, list(PHASE_MASKS.items()), method=job.method)

    monkeypatch.setattr(Worker, "run", run)
    masks.main(options)
    assert name(odd) not in {job.method for job in undrawn.ran}


@pytest.mark.parametrize("option", ["episodes", "calibration_episodes", "fixed_masks", "processes"])
def test_counts_are_positive(option):
    with pytest.raises(ValueError, match=f"--{option.replace('_', '-')} must be at least 1; got 0"):
        Options(**{option: 0})


def test_seeds_leave_room_for_the_calibration():
    with pytest.raises(ValueError, match="--seed must be at least 5"):
        Options(seed=4)


def test_command_line(undrawn, tmp_path):
    path = tmp_path / "x.json"
    arguments = [
        "--episodes",
        "1",
        "--calibration-episodes",
        "1",
        "--no-dense",
        "--seed",
        "7",
        "--json",
        str(path),
    ]
    assert cli.main(["bench", "masks", *arguments]) == 0
    assert {job.seed for job in undrawn.ran} == {6, 7}
    assert DENSE not in {job.method for job in undrawn.ran}


def test_watched_runner_notes_time_phase_and_mask(monkeypatch):
    used = iter(PHASE_MASKS.values())
    runner = SimpleNamespace(
        infer=lambda stamp, features: SimpleNamespace(mask=next(used), chunk=stamp),
        reset=lambda seed: seed + 1,
    )
    robot = SimpleNamespace(time=0.0, scene_state=lambda: robot.time)
    monkeypatch.setattr(mask_worker, "phase", lambda robot: "grasp" if robot.time > 0.5 else "approach")
    seen = mask_worker.RecordingRunner(runner, robot)
    assert seen.reset(4) == 5  # everything else goes to the runner
    for robot.time in (0.0, 0.4, 0.8):
        assert seen.infer(robot.time, np.zeros(3)).chunk == robot.time
    assert (seen.times, seen.phases) == ([0.0, 0.4, 0.8], ["approach", "approach", "grasp"])
    assert seen.masks == [name(m) for m in list(PHASE_MASKS.values())[:3]]
    assert set(seen.bits) == set(seen.masks) and len(seen.bits) == 2
    assert seen.states == seen.times
