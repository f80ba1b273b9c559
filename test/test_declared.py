"""Registries that are filled by adding a file."""

from __future__ import annotations

import sys

import pytest

from sag_ros.declared import declared

FILES = {
    "__init__.py": "",
    "b.py": "THING = 'b'",
    "a.py": "THING = 'a'",
    "other.py": "",
    "d/__init__.py": "THING = 'd'",
    "d/spec.py": "THING = 'd.spec'",
    "c/__init__.py": "",
    "c/spec.py": "THING = 'c.spec'",
    "c/engine.py": "raise ImportError('a library is missing')",
    "e/__init__.py": "",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    for name, text in FILES.items():
        path = tmp_path / "folder_of_things" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "folder_of_things"
    for name in [name for name in sys.modules if name.startswith("folder_of_things")]:
        del sys.modules[name]


def test_files(package):
    assert declared(package, "THING") == ["a", "b", "d"]
    assert declared(package, "NOTHING") == []


def test_one_file_of_every_folder(package):
    assert declared(package, "THING", "spec") == ["c.spec", "d.spec"]
    assert f"{package}.c.engine" not in sys.modules


def test_a_file_that_does_not_load_is_an_error(package):
    with pytest.raises(ImportError, match="missing"):
        declared(package, "THING", "engine")
