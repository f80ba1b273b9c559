"""A folder of LeRobot becomes the policy that it was."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lerobot_folder import MODES, config, policy, save, statistics, weights
from public_checkpoint import JOINTS

from sag_ros.policy.bundle import load_bundle, save_bundle
from sag_ros.policy.contract_file import BundleError, parse_contract
from sag_ros.policy.importers.diffusion_policy import import_checkpoint
from sag_ros.policy.importers.meaning import ImportRefused, Meaning
from sag_ros.policy.resnet import ResNetCamera

PARTS = ("joint_position", "gripper_width")
MEANING = Meaning(("joints", "gripper"), JOINTS, 0.05, parts=PARTS)


@pytest.fixture(scope="module")
def original():
    return policy()


def same(first, second) -> None:
    for name in ("denoiser", "encoder", "normaliser"):
        expected, found = (getattr(one, name).state_dict() for one in (first, second))
        assert expected.keys() == found.keys()
        for key, tensor in expected.items():
            torch.testing.assert_close(found[key], tensor, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("old", [False, True])
def test_everything_is_where_it_was(tmp_path: Path, original, old) -> None:
    folder = save(tmp_path / "a", weights(original), config(original), statistics(original), old)
    found = import_checkpoint(folder, MEANING)
    assert found.remarks == ()
    same(original, found.bundle)
    contract = found.bundle.contract
    assert list(contract.cameras) == ["front", "wrist"]
    assert contract.unet == original.contract.unet
    resnet = contract.encoder.resnet18
    assert (resnet.relu, resnet.crop) == (True, [32, 37])
    assert resnet.mean == pytest.approx([0.485, 0.456, 0.406], abs=1e-6)
    save_bundle(tmp_path / "bundle", found.bundle, half=False)
    same(original, load_bundle(tmp_path / "bundle"))


def test_cameras_whose_colours_have_statistics_of_their_own(tmp_path: Path, original) -> None:
    own = statistics(original)
    mean, std = [0.3, 0.2, 0.1], [0.11, 0.12, 0.13]
    own["observation.images.wrist.mean"] = torch.tensor(mean).reshape(3, 1, 1)
    own["observation.images.wrist.std"] = torch.tensor(std).reshape(3, 1, 1)
    folder = save(tmp_path / "a", weights(original), config(original), own)
    bundle = import_checkpoint(folder, MEANING).bundle
    resnet = bundle.contract.encoder.resnet18
    assert resnet.mean == pytest.approx([0.485, 0.456, 0.406], abs=1e-6)
    assert list(resnet.cameras) == ["wrist"]
    save_bundle(tmp_path / "bundle", bundle, half=False)
    encoder = load_bundle(tmp_path / "bundle").encoder
    assert encoder.nets["front"].config.mean == pytest.approx((0.485, 0.456, 0.406), abs=1e-6)
    assert encoder.nets["wrist"].config.mean == pytest.approx(mean, abs=1e-6)
    assert encoder.nets["wrist"].config.std == pytest.approx(std, abs=1e-6)
    seen = torch.randint(0, 256, (2, 40, 48, 3), dtype=torch.uint8)
    alike = replace(original.encoder.config.resnet18, mean=tuple(mean), std=tuple(std))
    expected = ResNetCamera(original.encoder.config.keypoints, original.encoder.config.features, alike).eval()
    expected.load_state_dict(original.encoder.nets["wrist"].state_dict())
    torch.testing.assert_close(encoder.encode("wrist", seen), expected(seen), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(
        encoder.encode("wrist", seen), original.encoder.encode("wrist", seen), atol=1e-3
    )


def test_colours_of_a_camera_that_is_not_there_are_refused(original) -> None:
    contract = original.contract.model_dump()
    contract["encoder"]["resnet18"]["cameras"] = {"side": {"mean": [0, 0, 0], "std": [1, 1, 1]}}
    with pytest.raises(BundleError, match=r"encoder\.resnet18\.cameras\.side"):
        parse_contract(contract)


def test_one_network_for_all_cameras(tmp_path: Path, original) -> None:
    state = {
        key.replace("rgb_encoder.0.", "rgb_encoder."): value
        for key, value in weights(original).items()
        if "rgb_encoder.1." not in key
    }
    folder = save(tmp_path / "a", state, config(original), statistics(original))
    found = import_checkpoint(folder, MEANING).bundle
    front, wrist = (found.encoder.nets[name].state_dict() for name in ("front", "wrist"))
    for key, tensor in original.encoder.nets["front"].state_dict().items():
        torch.testing.assert_close(front[key], tensor)
        torch.testing.assert_close(wrist[key], tensor)
    save_bundle(tmp_path / "bundle", found)  # each has its own


def test_numbers_alone_with_the_state_of_an_environment(tmp_path: Path) -> None:
    own = policy(
        cameras={}, signals={"thing": {"size": 3}}, state=["joint_position", "gripper_width", "thing"]
    )
    folder = save(tmp_path / "a", weights(own, 3), config(own, 3), statistics(own, 3))
    meaning = Meaning(("joints", "gripper", "thing"), JOINTS, 0.05, parts=(*PARTS, "signal:3"))
    found = import_checkpoint(folder, meaning).bundle
    same(own, found)
    assert (found.contract.encoder, found.contract.signals["thing"].size) == (None, 3)


def test_an_environment_without_statistics_is_taken_as_it_is(tmp_path: Path) -> None:
    own = policy(
        cameras={}, signals={"thing": {"size": 3}}, state=["joint_position", "gripper_width", "thing"]
    )
    cfg, found = config(own, 3), statistics(own, 3)
    cfg["normalization_mapping"] = {key: mode for key, mode in MODES.items() if key != "ENV"}  # the default
    for part in ("min", "max"):
        del found[f"observation.environment_state.{part}"]
    folder = save(tmp_path / "a", weights(own, 3), cfg, found)
    meaning = Meaning(("joints", "gripper", "thing"), JOINTS, 0.05, parts=(*PARTS, "signal:3"))
    normaliser = import_checkpoint(folder, meaning).bundle.normaliser
    scale, offset = normaliser.vectors("state")
    expected = own.normaliser.vectors("state")
    for ours, theirs, plain in zip((scale, offset), expected, (torch.ones(3), torch.zeros(3)), strict=True):
        torch.testing.assert_close(ours[:8], theirs[:8], rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(ours[8:], plain)


def test_statistics_of_mean_and_deviation_and_of_what_never_changed(tmp_path: Path, original) -> None:
    cfg, own = config(original), statistics(original)
    cfg["normalization_mapping"] |= {"ACTION": "MEAN_STD"}
    own |= {"action.mean": torch.arange(8.0), "action.std": torch.full((8,), 0.5)}
    own["observation.state.min"][2] = own["observation.state.max"][2] = 0.25
    found = import_checkpoint(save(tmp_path / "a", weights(original), cfg, own), MEANING).bundle.normaliser
    action = found.denormalise("action", torch.ones(8))
    torch.testing.assert_close(action, torch.arange(8.0) + 0.5)
    state = torch.zeros(8)
    state[2] = 0.25
    assert found.normalise("state", state)[2] == -1.0
    cfg["normalization_mapping"] |= {"ACTION": "MIN_MAX"}
    own["action.min"][4] = own["action.max"][4] = 0.4
    found = import_checkpoint(save(tmp_path / "b", weights(original), cfg, own), MEANING).bundle.normaliser
    for sample in (-1.0, 1.0):
        assert float(found.denormalise("action", torch.full((8,), sample))[4]) == pytest.approx(0.4, abs=3e-5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"type": "act"}, "another kind of policy"),
        ({"vision_backbone": "resnet34"}, "another network"),
        ({"resize_shape": [60, 60]}, "let their driver do that"),
        ({"prediction_type": "sample"}, "something else than the noise"),
        ({"beta_schedule": "linear"}, "another noise schedule"),
        ({"normalization_mapping": {"VISUAL": "MEAN_STD", "STATE": "QUANTILES"}}, "normalised by QUANTILES"),
        ({"normalization_mapping": {"VISUAL": "MIN_MAX"}}, "VISUAL is MIN_MAX"),
        ({"kernel_size": 3}, "is of shape"),
    ],
)
def test_what_cannot_be_expressed_is_refused(tmp_path: Path, original, change, said) -> None:
    folder = save(tmp_path / "a", weights(original), {**config(original), **change}, statistics(original))
    with pytest.raises(ImportRefused, match=said):
        import_checkpoint(folder, MEANING)


def test_what_the_user_should_know(tmp_path: Path, original) -> None:
    cfg = {**config(original), "noise_scheduler_type": "DDIM", "num_inference_steps": 4}
    found = import_checkpoint(save(tmp_path / "a", weights(original), cfg, statistics(original)), MEANING)
    assert "ddim4" in found.remarks[0]


def test_what_is_missing_is_named(tmp_path: Path, original) -> None:
    with pytest.raises(ImportRefused, match=r"config\.json is missing"):
        import_checkpoint(tmp_path, MEANING)
    own = {key: value for key, value in statistics(original).items() if not key.startswith("action")}
    with pytest.raises(ImportRefused, match=r"no statistics of action \(min\)"):
        import_checkpoint(save(tmp_path / "a", weights(original), config(original), own), MEANING)
    folder = save(tmp_path / "b", weights(original), config(original), statistics(original))
    steps = [{"state_file": "../outside.safetensors"}]
    (folder / "policy_preprocessor.json").write_text(json.dumps({"steps": steps}))
    with pytest.raises(ImportRefused, match="not a file of the folder"):
        import_checkpoint(folder, MEANING)
    state = {key: value for key, value in weights(original).items() if "final_conv.1.bias" not in key}
    with pytest.raises(ImportRefused, match=r"there is no final_conv\.1\.bias"):
        import_checkpoint(save(tmp_path / "c", state, config(original), statistics(original)), MEANING)
