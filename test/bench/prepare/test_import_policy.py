"""``sag import`` from the checkpoint to a bundle that loads."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from sag_ros.bench.prepare.import_policy import PolicyImport
from sag_ros.policy.bundle import load_bundle

sys.path.insert(0, str(Path(__file__).parents[2] / "policy" / "importers"))
from public_checkpoint import policy, save, settings, weights


def test_a_bundle_with_all_digits(tmp_path: Path, capsys) -> None:
    original = policy()
    path = save(tmp_path / "a.ckpt", weights(original), settings(original))
    assert PolicyImport(path, tmp_path / "out", ("joint_pos", "hand"), 0.1).run() == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "sag advise" in printed
    assert "wrist_image 40 x 48" in printed
    found = load_bundle(tmp_path / "out")
    for key, tensor in original.dpt.state_dict().items():
        assert torch.equal(found.dpt.state_dict()[key], tensor)


def test_a_refusal(tmp_path: Path, capsys) -> None:
    (tmp_path / "a.ckpt").write_text("no archive")
    assert PolicyImport(tmp_path / "a.ckpt", tmp_path / "out", ("x",), 0.1).run() == 1
    assert "refused" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


def test_frames_of_poses_have_seven_numbers(tmp_path: Path) -> None:
    options = {"rotation": "sixd_rows", "tool_frame": (0.0, 0.0, 0.1)}
    with pytest.raises(ValueError, match="--tool-frame takes 7 numbers"):
        PolicyImport(tmp_path / "a.ckpt", tmp_path / "out", ("x",), 0.1, **options).run()
