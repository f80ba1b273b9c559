"""A checkpoint of the public Diffusion Policy becomes the policy that it was."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from public_checkpoint import JOINTS, ROBOMIMIC, policy, save, settings, weights

from sag_ros.policy.importers.diffusion_policy import import_checkpoint
from sag_ros.policy.importers.meaning import ImportRefused, Meaning
from sag_ros.policy.meanings import BinaryGripper, TcpSpec
from sag_ros.policy.random_bundle import pose_actions

MEANING = Meaning(("joint_pos", "hand"), JOINTS, 0.1)


@pytest.fixture(scope="module")
def original():
    return policy()


def same(first, second) -> None:
    for name in ("dpt", "encoder", "normaliser"):
        expected, found = (getattr(one, name).state_dict() for one in (first, second))
        assert expected.keys() == found.keys()
        for key, tensor in expected.items():
            torch.testing.assert_close(found[key], tensor, rtol=1e-6, atol=1e-6)


def test_everything_is_where_it_was(tmp_path: Path, original) -> None:
    found = import_checkpoint(save(tmp_path / "a.ckpt", weights(original), settings(original)), MEANING)
    assert found.remarks == ()
    same(original, found.bundle)
    contract = found.bundle.contract
    assert list(contract.cameras) == ["wrist_image", "front_image"]
    assert (contract.control_period, contract.action_steps) == (0.1, original.contract.action_steps)
    image = torch.randint(0, 256, (2, 40, 48, 3), dtype=torch.uint8)
    expected = original.encoder.encode("wrist_image", image)
    torch.testing.assert_close(found.bundle.encoder.encode("wrist_image", image), expected)


def test_prefixes_of_compiled_and_distributed_models(tmp_path: Path, original) -> None:
    state = {f"module.{k.replace('model.', 'model._orig_mod.', 1)}": v for k, v in weights(original).items()}
    same(original, import_checkpoint(save(tmp_path / "a.ckpt", state, settings(original)), MEANING).bundle)


def test_settings_of_omegaconf(tmp_path: Path, original) -> None:
    omegaconf = pytest.importorskip("omegaconf")
    cfg = omegaconf.OmegaConf.create(settings(original))
    same(original, import_checkpoint(save(tmp_path / "a.ckpt", weights(original), cfg), MEANING).bundle)


def test_batch_norms_are_folded(tmp_path: Path, original) -> None:
    state = weights(original)
    torch.manual_seed(0)
    norms = {key.rpartition(".")[0] for key in state if ".bn" in key or ".downsample.1." in key}
    expected = {}
    for name in norms:
        channels = state[f"{name}.weight"].shape[0]
        norm = torch.nn.BatchNorm2d(channels).eval()
        with torch.no_grad():
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2.0)
            norm.weight.normal_()
            norm.bias.normal_()
        state |= {f"{name}.{key}": tensor for key, tensor in norm.state_dict().items()}
        expected[name] = norm
    found = import_checkpoint(save(tmp_path / "a.ckpt", state, settings(original)), MEANING).bundle
    own = found.encoder.nets["wrist_image"].layer2[0].downsample[1]
    x = torch.randn(1, 128, 3, 4)
    torch.testing.assert_close(
        own(x), expected["obs_encoder.obs_nets.wrist_image.backbone.nets.5.0.downsample.1"](x)
    )


def test_what_the_user_should_know(tmp_path: Path, original) -> None:
    cfg = settings(original)
    cfg["policy"] |= {"eval_fixed_crop": False, "num_inference_steps": 5}
    found = import_checkpoint(save(tmp_path / "a.ckpt", weights(original), cfg), MEANING)
    assert "at random" in found.remarks[0]
    assert "ddim5" in found.remarks[1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"_target_": "diffusion_policy.policy.diffusion_unet_image_policy.DiffusionUnetImagePolicy"},
            "Unet",
        ),
        ({"obs_as_cond": False}, "inpainted"),
        ({"noise_scheduler": {"prediction_type": "sample"}}, "something else than the noise"),
        ({"n_head": None}, "n_head"),
        ({"horizon": "${nothing}"}, "no nothing"),
    ],
)
def test_what_cannot_be_expressed_is_refused(tmp_path: Path, original, change, said) -> None:
    cfg = settings(original)
    cfg["policy"] |= change
    if change.get("n_head", 1) is None:
        del cfg["policy"]["n_head"]
    with pytest.raises(ImportRefused, match=said):
        import_checkpoint(save(tmp_path / "a.ckpt", weights(original), cfg), MEANING)


@pytest.mark.parametrize(
    ("meaning", "said"),
    [
        (Meaning(("joint_pos",), JOINTS, 0.1), "name all of them"),
        (Meaning(("joint_pos", "hand"), JOINTS[:6], 0.1), "joint_position of 6 joints has 6"),
        (Meaning(("joint_pos", "hand"), JOINTS, 0.1, "tcp"), "how their rotations are given"),
        (
            Meaning(("joint_pos", "hand"), JOINTS, 0.1, parts=("joints", "gripper_width")),
            "no observation is a 'joints'; there is joint_position",
        ),
        (
            Meaning(("joint_pos", "hand"), JOINTS, 0.1, "tcp", tcp=TcpSpec(rotation="sixd_rows")),
            "an action has 8 numbers; 10 are expected",
        ),
        (
            Meaning(("joint_pos", "hand"), JOINTS, 0.1, parts=("gripper_fingers", "gripper_width")),
            "gripper_fingers of 7 joints has 2",
        ),
        (Meaning(("joint_pos", "hand"), JOINTS, 0.1, weights="other"), "has no other"),
    ],
)
def test_a_meaning_that_does_not_fit(tmp_path: Path, original, meaning, said) -> None:
    path = save(tmp_path / "a.ckpt", weights(original), settings(original))
    with pytest.raises(ImportRefused, match=said):
        import_checkpoint(path, meaning)


def test_weights_that_do_not_fit(tmp_path: Path, original) -> None:
    state = weights(original)
    for key, change, said in (
        ("model.head.weight", None, "no head.weight"),
        ("model.head.weight", torch.zeros(3, 3), "is of shape"),
        ("model.other", torch.zeros(1), "no place"),
        ("obs_encoder.obs_nets.wrist_image.backbone.nets.9.weight", torch.zeros(1), "no place in a ResNet18"),
    ):
        own = {k: v for k, v in state.items() if k != key} if change is None else {**state, key: change}
        with pytest.raises(ImportRefused, match=said):
            import_checkpoint(save(tmp_path / "a.ckpt", own, settings(original)), MEANING)


def test_actions_that_mean_something_else(tmp_path: Path, original) -> None:
    gripper = BinaryGripper(open=-1.0, closed=1.0, width_open=0.08, width_closed=0.0)
    meaning = Meaning(("joint_pos", "hand"), JOINTS, 0.1, "joint_step", gripper)
    path = save(tmp_path / "a.ckpt", weights(original), settings(original))
    contract = import_checkpoint(path, meaning).bundle.contract
    assert {one.meaning for one in contract.action[:-1]} == {"joint_step"}
    assert (contract.action[-1].meaning, contract.binary_gripper) == ("gripper_binary", gripper)


def test_poses_as_robomimic_has_them(tmp_path: Path) -> None:
    parts = ("tcp_position", "tcp_rotation", "gripper_fingers")
    tcp = TcpSpec(rotation="sixd_rows", state_rotation="quaternion_xyzw")
    gripper = BinaryGripper(open=-1.0, closed=1.0, width_open=0.08, width_closed=0.0)
    own = policy(
        state=list(parts), tcp=tcp.model_dump(), action=pose_actions("sixd_rows", "gripper_binary"),
        binary_gripper=gripper.model_dump(),
    )  # fmt: skip
    assert (own.contract.state_dim, own.contract.action_dim) == (9, 10)
    path = save(tmp_path / "a.ckpt", weights(own, ROBOMIMIC), settings(own, ROBOMIMIC))
    meaning = Meaning(tuple(ROBOMIMIC), JOINTS, 0.05, "tcp", gripper, parts=parts, tcp=tcp)
    found = import_checkpoint(path, meaning).bundle
    same(own, found)
    assert found.contract.action == own.contract.action
    assert found.contract.tcp == tcp
    assert found.contract.state == list(parts)
