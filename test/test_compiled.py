"""Compiled functions, their cache, and what their key depends on."""

from __future__ import annotations

from pathlib import Path

import pytest

from sag_ros.compiled import Compiler


def half(x: float) -> float:
    return 0.5 * x


def test_it_computes_the_same_and_keeps_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAG_ROS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.py").write_text("1")
    assert Compiler(tmp_path / "code")(half)(3.0) == 1.5
    kept = {path.parent.parent.name for path in (tmp_path / "cache").rglob("*.nbi")}
    (tmp_path / "code" / "a.py").write_text("2")
    assert Compiler(tmp_path / "code")(half)(4.0) == 2.0
    now = {path.parent.parent.name for path in (tmp_path / "cache").rglob("*.nbi")}
    assert len(kept) == 1
    assert len(now) == 2  # other files, another key: nothing stale is loaded


def test_without_a_place_to_keep_it_works_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sag_ros.compiled.cache_folder", lambda name: None)
    assert Compiler(tmp_path)(half)(5.0) == 2.5


@pytest.mark.parametrize("kind", ["*.nbi", "*.nbc"])
@pytest.mark.parametrize("damage", [lambda content: content[:40], lambda content: b"?" + content[1:]])
def test_a_damaged_file_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind, damage) -> None:
    monkeypatch.setenv("SAG_ROS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "code").mkdir()
    first = Compiler(tmp_path / "code")(half)
    assert first(3.0) == 1.5
    (file,) = (tmp_path / "cache").rglob(kind)
    whole = file.read_bytes()
    again = Compiler(tmp_path / "code")(half)
    assert again(3.0) == 1.5
    assert sum(again.stats.cache_hits.values()) == 1  # whole, it is used
    file.write_bytes(damage(whole))
    made = Compiler(tmp_path / "code")(half)
    assert made(3.0) == 1.5
    assert sum(made.stats.cache_hits.values()) == 0
    assert sum(made.stats.cache_misses.values()) == 1
    last = Compiler(tmp_path / "code")(half)
    assert last(3.0) == 1.5
    assert sum(last.stats.cache_hits.values()) == 1  # and what was made again is kept
