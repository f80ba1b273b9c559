from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from sag_ros.data.demonstrations import Demonstrations
from sag_ros.engines.runner import PolicyRunner
from sag_ros.policy.bundle import load_bundle, save_bundle
from sag_ros.policy.normaliser import Normaliser
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.train.run.loop import LoopConfig
from sag_ros.train.run.progress import read_records
from sag_ros.train.variants.consistency import command as consistency
from sag_ros.train.variants.consistency.command import ConsistencyTraining

CAMERAS = {"front": {"height": 24, "width": 24}, "wrist": {"height": 24, "width": 24}}


@pytest.fixture(scope="module")
def teacher(store, tmp_path_factory):
    folder = tmp_path_factory.mktemp("teacher")
    bundle = random_bundle(0, cameras=CAMERAS, provenance={"pruner": {}, "origin": "random"})
    data = Demonstrations(store)
    save_bundle(folder, replace(bundle, normaliser=Normaliser.fit(data.state, data.action)))
    return folder


def training(store, teacher, folder, iterations, **changes):
    options = {
        "data": store,
        "bundle": teacher,
        "output": folder / "student",
        "out": folder / "work",
        "stride": 2,
        "threads": 1,
        "hold_out": 0.2,
        "validation_windows": 8,
        "loop": LoopConfig(iterations, 8, 3e-3, 5),
    }
    return ConsistencyTraining(**{**options, **changes})


def test_the_student_is_a_complete_bundle(store, teacher, tmp_path):
    assert training(store, teacher, tmp_path, 3).run()
    student, original = load_bundle(tmp_path / "student"), load_bundle(teacher)
    contract = student.contract
    assert contract.diffusion.training == "consistency"
    assert contract.pruner is None
    assert "pruner" not in contract.provenance
    assert contract.provenance["origin"] == "random"
    made = contract.provenance["consistency"]
    assert made["iterations"] == 3
    assert made["teacher_sha256"] == original.weights_hash
    assert made["arguments"]["stride"] == 2
    assert str(tmp_path) not in json.dumps(made)
    for own, other in zip(student.encoder.parameters(), original.encoder.parameters(), strict=True):
        assert torch.equal(own, other)
    assert not torch.equal(student.dpt.head.weight, original.dpt.head.weight)
    runner = PolicyRunner(student, "cm1", "dense", "reference")
    features = np.zeros((contract.observation_steps, contract.obs_dim), np.float32)
    assert np.isfinite(runner.infer(0.0, features).chunk.positions).all()


def test_one_step_samples_come_closer_to_the_demonstrations(store, teacher, tmp_path):
    """From a teacher of random weights only the denoising term can teach anything: it must arrive."""
    config = training(store, teacher, tmp_path, 100)
    before = config.trainer(load_bundle(teacher)).validate()
    assert config.run()
    after = read_records(tmp_path / "work" / "log.jsonl")[-1]
    for sampler in ("cm1", "cm3"):
        assert after[sampler]["mrad"] < 0.6 * before[sampler]["mrad"]


class StopAfter:
    """In place of Stop: true when asked for the n-th time."""

    def __init__(self, count):
        self.count, self.reason = count, "test"

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        pass

    def __bool__(self):
        self.count -= 1
        return self.count < 0


def test_an_interrupted_training_ends_as_an_uninterrupted_one(store, teacher, tmp_path, monkeypatch):
    assert training(store, teacher, tmp_path / "whole", 4).run()
    with monkeypatch.context() as patch:
        patch.setattr(consistency, "Stop", lambda minutes: StopAfter(2))
        assert not training(store, teacher, tmp_path / "parts", 4).run()
    half = load_bundle(tmp_path / "parts" / "student")
    assert half.contract.provenance["consistency"]["iterations"] == 2
    assert training(store, teacher, tmp_path / "parts", 4).run()
    whole, parts = (load_bundle(tmp_path / name / "student").dpt for name in ("whole", "parts"))
    for own, other in zip(whole.parameters(), parts.parameters(), strict=True):
        assert torch.equal(own, other)
    assert not torch.equal(half.dpt.head.weight, parts.head.weight)


def test_the_tokens_that_are_not_executed_are_not_trained(store, teacher, tmp_path):
    assert training(store, teacher, tmp_path, 3).run()
    student, original = load_bundle(tmp_path / "student"), load_bundle(teacher)
    stop = student.contract.executed.stop
    difference = (student.dpt.pos_emb - original.dpt.pos_emb)[0].abs().amax(dim=1)
    assert stop < len(difference)
    assert bool((difference[:stop] > 0).all())
    assert bool((difference[stop:] == 0).all())


def test_the_teacher_is_neither_overwritten_nor_a_student(store, teacher, tmp_path):
    with pytest.raises(ValueError, match="choose another"):
        training(store, teacher, tmp_path, 1, output=teacher).run()
    save_bundle(tmp_path / "s", random_bundle(0, cameras=CAMERAS, diffusion={"training": "consistency"}))
    with pytest.raises(ValueError, match=r"diffusion\.training 'noise'"):
        training(store, tmp_path / "s", tmp_path, 1).run()
