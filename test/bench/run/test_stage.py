from __future__ import annotations

import pytest

from sag_ros.bench.run import stage
from sag_ros.policy.contract_file import parse_contract
from sag_ros.policy.random_bundle import full_contract, random_bundle
from sag_ros.train.record.contract import contract_of


@pytest.fixture
def setpoint_contract(fake_benchmark):
    content = full_contract()
    content |= {"task": "fake", "cameras": {}, "encoder": None, **contract_of(fake_benchmark)}
    return content


@pytest.fixture
def known(monkeypatch, fake_benchmark):
    monkeypatch.setattr(stage, "is_benchmark", lambda task: task == "fake")
    monkeypatch.setattr(stage, "make_benchmark", lambda task: fake_benchmark)


def test_a_benchmark_is_played_by_its_policy(known, setpoint_contract, fake_benchmark):
    found = stage.stage_for("fake", parse_contract(setpoint_contract))
    assert found.time_limit == pytest.approx(1.0)
    found.close()
    assert fake_benchmark.closed


def test_a_policy_of_an_arm_does_not_play_a_benchmark(known, fake_benchmark):
    with pytest.raises(ValueError, match=r"joints are fr3_joint1.*'fake' has slide.*sag record --task fake"):
        stage.stage_for("fake", parse_contract(full_contract()))
    assert fake_benchmark.closed


def test_a_policy_of_other_setpoints_is_refused(known, setpoint_contract):
    setpoint_contract["action"][0]["name"] = "y"
    with pytest.raises(ValueError, match="actions are y, grip; the benchmark 'fake' has x, grip"):
        stage.stage_for("fake", parse_contract(setpoint_contract))


def test_a_policy_of_a_benchmark_does_not_move_the_arm(known, setpoint_contract):
    with pytest.raises(ValueError, match="setpoints of the benchmark 'fake'; it cannot play 'pick_release'"):
        stage.stage_for("pick_release", parse_contract(setpoint_contract))


def test_random_weights_play_it(known, setpoint_contract):
    from sag_ros.bench.run.episode import EpisodeSettings
    from sag_ros.engines.runner import PolicyRunner

    content = {key: value for key, value in setpoint_contract.items() if key not in ("format", "pruner")}
    content["network"] = {"layers": 1, "heads": 2, "width": 16, "cond_layers": 0}
    bundle = random_bundle(0, **content)
    runner = PolicyRunner(bundle, "ddim5", "dense", "reference")
    found = stage.stage_for("fake", bundle.contract)
    result = found.play(runner, EpisodeSettings.of(bundle.contract, 8, found.time_limit), "ddim5", 3)
    assert result.chunks == 3
    assert result.success is False
