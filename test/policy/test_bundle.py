from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file
from torch import Tensor

from sag_ros.policy.bundle import PolicyBundle, load_bundle, save_bundle
from sag_ros.policy.contract import PrunerSpec
from sag_ros.policy.contract_file import BundleError
from sag_ros.policy.random_bundle import random_bundle

PRUNER = {"width": 8, "layers": 1, "heads": 2, "feedforward": 16}
TINY = {
    "network": {"layers": 1, "heads": 1, "width": 4},
    "encoder": {"width": 2, "keypoints": 2, "features": 2},
    "horizon": 4,
    "action_steps": 2,
}


def with_pruner(bundle: PolicyBundle) -> PolicyBundle:
    contract = bundle.contract.model_copy(update={"pruner": PrunerSpec(**PRUNER)})
    return replace(
        bundle, contract=contract, pruner_state={"a.weight": torch.randn(3, 4), "b": torch.ones(2)}
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_bundle(tmp_path / "policy", random_bundle(3, **TINY))
    return tmp_path / "policy"


def edit(file: Path, change: Callable[[dict[str, Tensor]], None]) -> None:
    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file)


def refused(folder: Path, file: str) -> BundleError:
    with pytest.raises(BundleError) as caught:
        load_bundle(folder)
    assert caught.value.file == folder / file
    assert caught.value.allowed
    assert caught.value.remedy
    assert str(folder / file) in str(caught.value)
    return caught.value


def states(bundle: PolicyBundle) -> dict[str, Tensor]:
    modules = {"dpt": bundle.dpt, "encoder": bundle.encoder, "normaliser": bundle.normaliser}
    return {f"{name}.{k}": v for name, module in modules.items() for k, v in module.state_dict().items()}


def test_round_trip(tmp_path: Path) -> None:
    original = save_bundle(tmp_path / "new" / "policy", with_pruner(random_bundle(3)))
    loaded = load_bundle(tmp_path / "new" / "policy")
    assert loaded.contract == original.contract
    assert loaded.weights_hash == original.weights_hash != random_bundle(3).weights_hash
    before, after = states(original), states(loaded)
    assert before.keys() == after.keys()
    for key, value in before.items():
        exact = key.startswith("normaliser")
        torch.testing.assert_close(after[key], value, rtol=0 if exact else 1e-3, atol=0 if exact else 1e-6)
        assert after[key].dtype == torch.float32, key
    assert original.pruner_state is not None
    assert loaded.pruner_state is not None
    for key, value in original.pruner_state.items():
        torch.testing.assert_close(loaded.pruner_state[key], value, rtol=1e-3, atol=1e-6)
    assert not any(p.requires_grad for p in (*loaded.dpt.parameters(), *loaded.encoder.parameters()))
    assert not loaded.dpt.training


def test_loaded_modules_compute(folder: Path) -> None:
    bundle = load_bundle(folder)
    contract = bundle.contract
    frame = {
        name: torch.zeros(2, spec.height, spec.width, 3, dtype=torch.uint8)
        for name, spec in contract.cameras.items()
    }
    features = bundle.encoder.frame(frame, bundle.normaliser.normalise("state", torch.zeros(2, 8)))
    assert features.shape == (2, contract.obs_dim)
    eps = bundle.dpt(torch.zeros(1, contract.horizon, contract.action_dim), 3, features[None])
    assert bool(eps.isfinite().all())


def test_saving_what_was_loaded_changes_nothing(folder: Path, tmp_path: Path) -> None:
    again = save_bundle(tmp_path / "again", load_bundle(folder))
    for name in ("policy.yaml", "policy.safetensors"):
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    assert sorted(p.name for p in folder.iterdir()) == ["policy.safetensors", "policy.yaml"]
    assert again.weights_hash == load_bundle(folder).weights_hash


def test_weights_hash_covers_both_files(tmp_path: Path) -> None:
    bundle = with_pruner(random_bundle(3, **TINY))
    assert bundle.pruner_state is not None
    hashes = {
        save_bundle(tmp_path / str(i), each).weights_hash
        for i, each in enumerate(
            (
                bundle,
                replace(bundle, pruner_state={**bundle.pruner_state, "b": torch.zeros(2)}),
                with_pruner(random_bundle(4, **TINY)),
                random_bundle(3, **TINY),
            )
        )
    }
    assert len(hashes) == 4


def test_public_keys_and_fp16_on_disk(folder: Path) -> None:
    tensors = load_file(folder / "policy.safetensors")
    for key in (
        "model.pos_emb",
        "model.decoder.layers.0.self_attn.in_proj_weight",
        "model._dummy_variable",
        "obs_encoder.nets.front.stem.weight",
        "normalizer.params_dict.action.scale",
    ):
        assert key in tensors
    assert {v.dtype for k, v in tensors.items() if not k.startswith("normalizer.")} == {torch.float16}
    assert {v.dtype for k, v in tensors.items() if k.startswith("normalizer.")} == {torch.float32}


@pytest.mark.parametrize("name", ["policy.yaml", "policy.safetensors"])
def test_missing_file(tmp_path: Path, name: str) -> None:
    save_bundle(tmp_path, with_pruner(random_bundle(3, **TINY)))
    (tmp_path / name).unlink()
    assert refused(tmp_path, name).value == "missing"


@pytest.mark.parametrize("name", ["policy.safetensors", "pruner.safetensors"])
def test_truncated_file(tmp_path: Path, name: str) -> None:
    save_bundle(tmp_path, with_pruner(random_bundle(3, **TINY)))
    intact = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(intact[:-1])
    assert "unreadable" in str(refused(tmp_path, name).value)


@pytest.mark.parametrize(
    ("key", "change", "value", "allowed"),
    [
        ("model.head.bias", lambda t, k: t.pop(k), "missing", r"shape \(8,\)"),
        ("model.extra", lambda t, k: t.update({k: torch.zeros(2)}), r"shape \(2,\)", "only the tensors"),
        ("model.head.bias", lambda t, k: t.update({k: torch.zeros(9)}), r"shape \(9,\)", r"shape \(8,\)"),
        ("model.head.bias", lambda t, k: t.update({k: torch.zeros(8, dtype=torch.int8)}), "int8", "floating"),
        ("model.head.bias", lambda t, k: t[k].fill_(torch.nan), "nan", "finite"),
        ("obs_encoder.nets.front.stem.weight", lambda t, k: t[k].fill_(torch.inf), "inf", "finite"),
        ("model.mask", lambda t, k: t[k].fill_(0.0), "another pattern", "causal"),
        ("model.memory_mask", lambda t, k: t[k].fill_(torch.nan), "another pattern", "causal"),
        ("normalizer.params_dict.action.scale", lambda t, k: t[k].fill_(0.0), "0.0", "other than 0"),
        ("normalizer.params_dict.state.offset", lambda t, k: t.pop(k), "missing", r"shape \(8,\)"),
    ],
)
def test_wrong_tensors(folder: Path, key: str, change: Callable, value: str, allowed: str) -> None:
    edit(folder / "policy.safetensors", lambda tensors: change(tensors, key))
    error = refused(folder, "policy.safetensors")
    assert error.key == key
    with pytest.raises(BundleError, match=value):
        raise error
    with pytest.raises(BundleError, match=allowed):
        raise error


@pytest.mark.parametrize(
    ("section", "key", "tensor"),
    [
        ("network", "width", "model."),
        ("network", "layers", "model.decoder.layers.1."),
        ("network", "cond_layers", "model.encoder."),
        ("encoder", "features", "model.cond_obs_emb.weight"),
        (None, "horizon", "model.mask"),
        (None, "observation_steps", "model.cond_pos_emb"),
    ],
)
def test_contract_of_other_sizes(folder: Path, section: str | None, key: str, tensor: str) -> None:
    file = folder / "policy.yaml"
    content = yaml.safe_load(file.read_text())
    node = content[section] if section else content
    node[key] += {"width": 4, "horizon": 1}.get(key, 1)
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    assert refused(folder, "policy.safetensors").key.startswith(tensor)


def test_another_camera(folder: Path) -> None:
    file = folder / "policy.yaml"
    original = file.read_text()
    file.write_text(original.replace("  front:", "  left:"))
    assert refused(folder, "policy.safetensors").key.startswith("obs_encoder.nets.left")
    file.write_text(original.replace("  front:", "  keys:"))
    assert refused(folder, "policy.yaml").key == "cameras"


def test_pruner_and_contract_agree(tmp_path: Path) -> None:
    bundle = with_pruner(random_bundle(3, **TINY))
    with pytest.raises(BundleError, match="pruner_state"):
        save_bundle(tmp_path, replace(bundle, pruner_state=None))
    with pytest.raises(BundleError, match="pruner_state"):
        save_bundle(tmp_path, replace(random_bundle(3, **TINY), pruner_state=bundle.pruner_state))
    assert list(tmp_path.iterdir()) == []
    save_bundle(tmp_path, bundle)
    (tmp_path / "policy.yaml").write_text(
        yaml.safe_dump({**yaml.safe_load((tmp_path / "policy.yaml").read_text()), "pruner": None})
    )
    assert refused(tmp_path, "policy.yaml").key == "pruner"
    save_bundle(tmp_path, random_bundle(3, **TINY))  # a policy without a pruner removes the old one
    assert load_bundle(tmp_path).pruner_state is None


def test_pruner_of_another_policy(tmp_path: Path) -> None:
    save_bundle(tmp_path / "a", with_pruner(random_bundle(3, **TINY)))
    save_bundle(tmp_path / "b", with_pruner(random_bundle(4, **TINY)))
    pruner = (tmp_path / "a" / "pruner.safetensors").read_bytes()
    (tmp_path / "b" / "pruner.safetensors").write_bytes(pruner)
    assert refused(tmp_path / "b", "pruner.safetensors").key == "policy_sha256"
    header = json.loads(pruner[8 : 8 + int.from_bytes(pruner[:8], "little")])
    assert list(header["__metadata__"]) == ["policy_sha256"]


def test_weights_fp16_cannot_hold_are_not_saved(tmp_path: Path) -> None:
    bundle = random_bundle(3, **TINY)
    bundle.dpt.head.bias.data[0] = 1e5
    with pytest.raises(BundleError, match=r"model\.head\.bias .* magnitude of 100000"):
        save_bundle(tmp_path, bundle)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["policy.yaml", "policy.safetensors"])
def test_a_link_out_of_the_folder_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    (folder / name).rename(elsewhere)
    (folder / name).symlink_to(elsewhere)
    with pytest.raises(BundleError, match=r"a link to .*elsewhere.*self-contained"):
        load_bundle(folder)
