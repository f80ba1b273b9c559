"""Which policies are there."""

from __future__ import annotations

from pathlib import Path

from sag_ros.bench.prepare.list_policies import bundles, main
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
