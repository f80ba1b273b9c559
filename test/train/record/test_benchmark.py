from __future__ import annotations

import numpy as np
import pytest

from sag_ros.data.demonstrations import Demonstrations, DemonstrationWriter
from sag_ros.policy.contract_file import parse_contract
from sag_ros.policy.random_bundle import full_contract
from sag_ros.train.policy.command import NetworkSize, PolicyTraining
from sag_ros.train.record import benchmark
from sag_ros.train.record.command import Recording


@pytest.fixture
def known(monkeypatch, fake_benchmark):
    monkeypatch.setattr(benchmark, "make_benchmark", lambda task: fake_benchmark)
    benchmark.prepare(Recording(task="fake"))


def test_label_is_what_was_wanted_and_the_end_is_held(known, fake_benchmark):
    episode = benchmark.demonstrate(0)
    assert episode is not None
    assert episode.seed == 0
    assert np.allclose(episode.action[:10, 0], 0.1 * np.arange(1, 11))
    # What was executed was disturbed, and so are the states.
    assert not np.allclose(episode.state[1:, 1], episode.action[:-1, 0])
    assert np.abs(episode.state[-5:, 1] - 1.0).max() < 0.15
    assert len(episode) == 10 + benchmark.HELD - 1


def test_the_same_seed_gives_the_same_demonstration(known):
    one, other = (benchmark.demonstrate(3) for _ in range(2))
    assert (one.state == other.state).all()
    assert (one.state[0] != benchmark.demonstrate(4).state[0]).any()


def test_an_expert_that_is_too_slow_failed(known, fake_benchmark):
    fake_benchmark.steps = 12
    assert benchmark.demonstrate(0) is None


def test_a_policy_trained_on_them_says_what_it_is_for(known, tmp_path):
    writer = DemonstrationWriter(tmp_path / "fake.zarr", benchmark.attributes(Recording(task="fake")))
    writer.append(benchmark.demonstrate(0))
    data = Demonstrations(tmp_path / "fake.zarr")
    contract = PolicyTraining(data.path, size=NetworkSize(horizon=10)).contract(data)
    assert contract.task == "fake"
    assert contract.commands_setpoints
    assert list(contract.state_parts.items()) == [("object", 1), ("hand", 1)]
    assert [one.name for one in contract.action] == ["x", "grip"]
    assert (contract.encoder, contract.cameras, contract.grippers) == (None, {}, 0)


def test_setpoints_do_not_mix_with_others():
    content = full_contract()
    content["action"][0]["meaning"] = "setpoint"
    with pytest.raises(ValueError, match=r"action\.1\.meaning is 'joint_position'; allowed: setpoint"):
        parse_contract(content)
    for one in content["action"]:
        one |= {"meaning": "setpoint", "name": "same"}
    with pytest.raises(ValueError, match="different names"):
        parse_contract(content)
