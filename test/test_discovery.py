"""A folder's files are found by what they declare."""

from __future__ import annotations

import sys

from sag_ros.discovery import declared_in


def test_files_are_found_in_the_order_of_their_names(tmp_path, monkeypatch):
    folder = tmp_path / "shelf"
    folder.mkdir()
    for name, content in (
        ("__init__", ""),
        ("second", "BOOK = 'two'"),
        ("first", "BOOK = 'one'"),
        ("lamp", "LIGHT = 'no book'"),
        ("number", "BOOK = 3"),
    ):
        (folder / f"{name}.py").write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    assert list(declared_in("shelf", "BOOK", str)) == ["one", "two"]
    for name in [name for name in sys.modules if name.partition(".")[0] == "shelf"]:
        monkeypatch.delitem(sys.modules, name)
