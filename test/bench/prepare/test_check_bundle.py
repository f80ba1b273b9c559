from __future__ import annotations

from dataclasses import replace

import pytest

from sag_ros.bench.prepare import check_bundle
from sag_ros.policy.bundle import BundleError, save_bundle
from sag_ros.policy.random_bundle import pose_actions, random_bundle
from sag_ros.train.record.contract import contract_of


@pytest.fixture(scope="module")
def bundle():
    return random_bundle(3)


@pytest.fixture
def folder(tmp_path, bundle):
    save_bundle(tmp_path / "policy", bundle)
    return tmp_path / "policy"


def test_good_bundle(folder, capsys):
    assert check_bundle.main(str(folder), engine="reference", count=1) == 0
    printed = capsys.readouterr().out
    assert "front 28×28" in printed
    assert "joint_position of 7 joints, gripper_width" in printed
    assert printed.count("agrees with reference") == 2


def test_a_consistency_student_is_checked_with_its_own_sampler(tmp_path, capsys):
    save_bundle(tmp_path / "student", random_bundle(3, diffusion={"training": "consistency"}))
    assert check_bundle.main(str(tmp_path / "student"), engine="reference", count=1) == 0
    assert capsys.readouterr().out.count("agrees with reference") == 2


def test_differing_engine_fails(folder, monkeypatch, capsys):
    monkeypatch.setattr(check_bundle, "compare", lambda *arguments: ("wrong", 0.2, 1e-3))
    assert check_bundle.main(str(folder)) == 1
    assert "DIFFERS FROM reference: error 2.0e-01, allowed 1e-03" in capsys.readouterr().out


def test_comparison_notices_other_weights(bundle, monkeypatch):
    from sag_ros.engines import compare

    other = replace(bundle, denoiser=random_bundle(4).dpt)
    reference = compare.reference_engine
    monkeypatch.setattr(compare, "reference_engine", lambda _, table: reference(other, table))
    name, error, allowed = check_bundle.compare(bundle, "reference", "dense", 1)
    assert name == "reference"
    assert error > allowed


def test_truncated_weights(folder):
    file = folder / "policy.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(BundleError, match=r"policy\.safetensors"):
        check_bundle.main(str(folder))


def test_observations_differ_and_fit(bundle):
    from sag_ros.engines.runner import PolicyRunner

    runner = PolicyRunner(bundle, mask_source="dense", engine="reference")
    first, second = check_bundle.observations(runner, 2)
    assert first.shape == (bundle.contract.observation_steps, bundle.contract.obs_dim)
    assert abs(first - second).max() > 0.1


def test_a_streaming_policy_is_checked_with_its_own_sampler(tmp_path, capsys):
    save_bundle(tmp_path / "policy", random_bundle(3, horizon=17, diffusion={"training": "streaming"}))
    assert check_bundle.main(str(tmp_path / "policy"), engine="native", count=1) == 0
    assert capsys.readouterr().out.count("agrees with reference") == 2


def test_a_policy_of_poses_is_checked_too(tmp_path, capsys):
    tcp = {"rotation": "sixd_rows", "relative": "observed", "frame": "tool"}
    state = ["tcp_position", "tcp_rotation", "gripper_width"]
    save_bundle(tmp_path / "poses", random_bundle(1, state=state, tcp=tcp, action=pose_actions("sixd_rows")))
    assert check_bundle.main(str(tmp_path / "poses"), engine="reference", count=1) == 0
    printed = capsys.readouterr().out
    assert "pose of the tool centre point (sixd_rows" in printed
    assert "relative: observed" in printed


def test_a_policy_of_setpoints_says_of_which_benchmark(tmp_path, fake_benchmark, capsys):
    contract = {**contract_of(fake_benchmark), "task": "fake", "cameras": {}, "encoder": None}
    save_bundle(tmp_path / "fake", random_bundle(1, **contract))
    assert check_bundle.main(str(tmp_path / "fake"), engine="reference", count=1) == 0
    assert "2 setpoints of the benchmark fake" in capsys.readouterr().out
