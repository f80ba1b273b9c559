"""Which policies are there."""

from __future__ import annotations

from pathlib import Path

from sag_ros.bench.prepare.list_policies import bundles, main, mask_sources
from sag_ros.policy.bundle import save_bundle
from sag_ros.policy.random_bundle import random_bundle


def test_policies_of_a_folder_and_a_damaged_one(tmp_path: Path, capsys) -> None:
    for name in ("first", "second"):
        save_bundle(tmp_path / name, random_bundle(0, task=f"task of {name}"))
    (tmp_path / "notes").mkdir()
    assert [path.name for path in bundles((tmp_path,))] == ["first", "second"]
    assert list(bundles((tmp_path / "first",))) == [tmp_path / "first"]
    assert main((tmp_path,)) == 0
    printed = capsys.readouterr().out
    assert "first" in printed
    assert "second" in printed
    (tmp_path / "second" / "policy.safetensors").write_bytes(b"damaged")
    assert main((tmp_path,)) == 1


def test_the_package_has_one_and_an_empty_folder_none(tmp_path: Path, capsys) -> None:
    assert main() == 0
    assert "pick_release" in capsys.readouterr().out
    assert main((tmp_path,)) == 0
    assert "sag import" in " ".join(capsys.readouterr().out.split())


def test_schedules_are_told_by_the_sampler_that_they_are_made_for() -> None:
    stored = ["bac20", "bac9", "sag-10", "sag-50", "sag_block-10", "sag_mean", "searched5"]
    assert mask_sources(stored, pruner=True) == {
        "ddpm": ["bac9", "bac20", "sag", "sag_mean", "searched5"],
        "ddim10": ["sag", "sag_block"],
        "ddim50": ["sag"],
    }
    assert mask_sources(["sag-10"], pruner=False) == {"ddim10": ["sag"]}
    assert mask_sources([], pruner=False) == {}


def test_nothing_is_cut_off_in_80_columns(monkeypatch, capsys) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main() == 0
    printed = capsys.readouterr().out
    assert "…" not in printed
    assert max(map(len, printed.splitlines())) <= 80
    assert "sag_block_mean" in printed
