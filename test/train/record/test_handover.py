"""A policy begins, the expert goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sag_ros.policy.random_bundle import random_bundle
from sag_ros.train.record import benchmark, handover
from sag_ros.train.record.command import Recording
from sag_ros.train.record.contract import contract_of
from sag_ros.train.record.handover import Beginner


@pytest.fixture
def beginner(monkeypatch, fake_benchmark):
    """Random weights that give setpoints of the fake benchmark; they are within 0.1 of zero."""
    policy = random_bundle(0, cameras={}, encoder=None, tcp=None, **contract_of(fake_benchmark))
    monkeypatch.setattr("sag_ros.policy.bundle.load_bundle", lambda folder: policy)
    return Beginner(Path("policy"), fake_benchmark)


def test_it_plays_as_many_steps_as_it_is_told(beginner, fake_benchmark):
    fake_benchmark.reset(3)
    beginner(fake_benchmark, 3, 11)
    assert len(fake_benchmark.actions) == 11
    first = list(fake_benchmark.actions)
    fake_benchmark.reset(3)
    beginner(fake_benchmark, 3, 11)
    assert np.array_equal(first, fake_benchmark.actions)


def test_what_the_expert_does_from_there_is_recorded(monkeypatch, beginner, fake_benchmark):
    monkeypatch.setattr(benchmark, "make_benchmark", lambda task: fake_benchmark)
    benchmark.prepare(Recording(task="can", policy=Path("policy"), handover=5))
    episode = benchmark.demonstrate(4)
    played = len(fake_benchmark.actions) - len(episode)
    assert 1 <= played <= 5
    assert episode.state[0, 1] == pytest.approx(fake_benchmark.actions[played - 1][0], abs=1e-6)
    assert np.allclose(np.diff(episode.action[:5, 0]), 0.1)
    # Where the policy did it there is nothing to show.
    fake_benchmark.goal = fake_benchmark.actions[0][0]
    assert benchmark.demonstrate(4) is None


def test_a_policy_of_another_benchmark_is_refused(monkeypatch, fake_benchmark):
    monkeypatch.setattr("sag_ros.policy.bundle.load_bundle", lambda folder: random_bundle(0))
    with pytest.raises(ValueError, match="with other states or actions than 'fake'"):
        handover.Beginner(Path("policy"), fake_benchmark)


def test_options():
    with pytest.raises(ValueError, match="--policy is for benchmarks, not for pick_release"):
        Recording(policy=Path("policy"))
    with pytest.raises(ValueError, match="--handover is 0"):
        Recording(task="can", policy=Path("policy"), handover=0)
