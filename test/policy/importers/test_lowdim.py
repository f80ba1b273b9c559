"""A checkpoint of a transformer on numbers alone becomes the policy that it was."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from public_checkpoint import JOINTS, LOWDIM, lowdim_settings, lowdim_weights, save, unet_settings

from sag_ros.policy.bundle import load_bundle, save_bundle
from sag_ros.policy.importers.diffusion_policy import import_checkpoint
from sag_ros.policy.importers.meaning import ImportRefused, Meaning
from sag_ros.policy.meanings import TcpSpec
from sag_ros.policy.random_bundle import pose_actions, random_bundle

TCP = TcpSpec(rotation="sixd_rows", state_rotation="quaternion_xyzw")
KEYS = ["object", "robot0_eef_pos", "robot0_eef_quat", "robot0_gripper_qpos"]
PARTS = ("signal:10", "tcp_position", "tcp_rotation", "gripper_fingers")
MEANING = Meaning(KEYS, JOINTS, 0.05, "tcp", parts=PARTS, tcp=TCP)


@pytest.fixture(scope="module", params=[0, 2])
def original(request):
    return random_bundle(
        0, cameras={}, signals={"object": {"size": 10}}, tcp=TCP.model_dump(),
        state=["object", "tcp_position", "tcp_rotation", "gripper_fingers"],
        action=pose_actions("sixd_rows"), network={"cond_layers": request.param},
    )  # fmt: skip


def test_everything_is_where_it_was(tmp_path: Path, original) -> None:
    path = save(tmp_path / "a.ckpt", lowdim_weights(original), lowdim_settings(original, KEYS))
    found = import_checkpoint(path, MEANING)
    assert found.remarks == ()
    for name in ("dpt", "normaliser"):
        expected, own = (getattr(one, name).state_dict() for one in (original, found.bundle))
        assert expected.keys() == own.keys()
        for key, tensor in expected.items():
            torch.testing.assert_close(own[key], tensor)
    contract = found.bundle.contract
    assert (contract.cameras, contract.encoder, contract.obs_dim) == ({}, None, 19)
    assert contract.signals["object"].size == 10
    assert contract.state == original.contract.state
    save_bundle(tmp_path / "bundle", found.bundle, half=False)
    assert load_bundle(tmp_path / "bundle").contract.signals == contract.signals


@pytest.mark.parametrize(
    ("meaning", "said"),
    [
        (Meaning(KEYS, JOINTS, 0.05, "tcp", parts=("signal", *PARTS[1:]), tcp=TCP), "object=signal:NUMBER"),
        (Meaning(KEYS, JOINTS, 0.05, "tcp", parts=("signal:9", *PARTS[1:]), tcp=TCP), "observes 19 numbers"),
        (
            Meaning(("thing", *KEYS[1:]), JOINTS, 0.05, "tcp", parts=PARTS, tcp=TCP),
            "observes object, robot0_eef_pos.* in this order",
        ),
        (Meaning(KEYS, JOINTS, 0.05, parts=PARTS, tcp=TCP), "an action has 10 numbers; 8 are expected"),
    ],
)
def test_a_meaning_that_does_not_fit(tmp_path: Path, original, meaning, said) -> None:
    path = save(tmp_path / "a.ckpt", lowdim_weights(original), lowdim_settings(original, KEYS))
    with pytest.raises(ImportRefused, match=said):
        import_checkpoint(path, meaning)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("policy", {"_target_": LOWDIM.replace("transformer", "unet")}, "understood are"),
        ("policy", {"pred_action_steps_only": True}, "begins with the executed"),
        ("policy", {"obs_as_cond": False}, "inpainted"),
        ("model", {"causal_attn": False}, "tokens see later ones"),
        ("model", {"time_as_cond": False}, "the time is not"),
    ],
)
def test_what_cannot_be_expressed_is_refused(tmp_path: Path, original, key, value, said) -> None:
    cfg = lowdim_settings(original, KEYS)
    (cfg["policy"] if key == "policy" else cfg["policy"]["model"]).update(value)
    with pytest.raises(ImportRefused, match=said):
        import_checkpoint(save(tmp_path / "a.ckpt", lowdim_weights(original), cfg), MEANING)


def test_a_vector_whose_parts_have_no_names(tmp_path: Path, original) -> None:
    path = save(tmp_path / "a.ckpt", lowdim_weights(original), lowdim_settings(original))
    assert import_checkpoint(path, MEANING).bundle.contract.state == original.contract.state


@pytest.mark.parametrize("scaled", [True, False])
def test_a_unet_is_the_same_network(tmp_path: Path, original, scaled) -> None:
    size = {"down_dims": [16, 32], "kernel_size": 3, "groups": 8, "step_dim": 16, "film_scale": scaled}
    content = original.contract.model_dump(mode="json")
    same = {key: content[key] for key in ("signals", "state", "tcp", "action")}
    own = random_bundle(2, cameras={}, unet=size, **same)
    cfg = unet_settings(own, KEYS)
    found = import_checkpoint(save(tmp_path / "a.ckpt", lowdim_weights(own), cfg), MEANING).bundle
    assert found.contract.unet == own.contract.unet
    assert found.contract.network is None
    for key, tensor in own.denoiser.state_dict().items():
        torch.testing.assert_close(found.denoiser.state_dict()[key], tensor)
    for change, said in (
        ({"oa_step_convention": False}, "begin one step later"),
        ({"obs_as_global_cond": False}, "not the condition of all steps"),
    ):
        changed = {**cfg, "policy": {**cfg["policy"], **change}}
        with pytest.raises(ImportRefused, match=said):
            import_checkpoint(save(tmp_path / "b.ckpt", lowdim_weights(own), changed), MEANING)
