"""Archives of torch.save are read, and nothing in them is executed."""

from __future__ import annotations

import os
import pickle
import sys
import zipfile
from collections import OrderedDict, defaultdict
from pathlib import Path
from types import ModuleType

import pytest
import torch

from sag_ros.policy.importers.archive import ArchiveError, Settings, Stored, plain, read_archive


def loaded(value):
    """Stored tensors in containers, loaded."""
    if isinstance(value, Stored):
        return value.load()
    if isinstance(value, dict):
        return {key: loaded(one) for key, one in value.items()}
    return [loaded(one) for one in value] if isinstance(value, list) else value


def test_tensors_and_containers(tmp_path: Path) -> None:
    big = torch.arange(24.0).reshape(4, 6)
    saved = {
        "state": OrderedDict(
            whole=big,
            part=big[1:3, ::2],
            turned=big.T,
            half=big.half(),
            brain=big.bfloat16(),
            count=torch.tensor(7),
        ),
        "parameter": torch.nn.Parameter(torch.ones(3)),
        "empty": torch.empty(0, 5),
        "list": [1, 2.5, "text", None, True],
        "bytes": b"\x80\x00raw",
        "none": b"",
    }
    torch.save(saved, tmp_path / "a.ckpt")
    with read_archive(tmp_path / "a.ckpt") as found:
        assert found["list"] == saved["list"]
        assert (found["bytes"], found["none"]) == (saved["bytes"], b"")
        for key, tensor in saved["state"].items():
            own = found["state"][key].load()
            assert own.dtype == tensor.dtype
            assert torch.equal(own, tensor), key
        assert torch.equal(found["parameter"].load(), torch.ones(3))
        assert found["empty"].load().shape == (0, 5)


class Evil:
    def __init__(self, function, *arguments):
        self._reduced = function, arguments

    def __reduce__(self):
        return self._reduced


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (Evil(os.system, "touch /tmp/owned"), "system"),
        (Evil(eval, "1"), "eval"),
        (Evil(getattr, "x", "upper"), "getattr"),
        (Path("/tmp"), "pathlib"),
        (Evil(bytes, 10**15), "bytes"),
        (Evil(pickle.loads, b"."), "loads"),
    ],
)
def test_whatever_else_is_refused_by_name(tmp_path: Path, value, named: str) -> None:
    torch.save({"x": value}, tmp_path / "a.ckpt")
    with pytest.raises(ArchiveError, match=named), read_archive(tmp_path / "a.ckpt"):
        pass


def archive(path: Path, program: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a/data.pkl", program)
    return path


def test_stand_ins_cannot_be_changed(tmp_path: Path) -> None:
    build = b"(dS'x'\nI1\nsb."
    for name in (b"ctorch._utils\n_rebuild_parameter\n", b"comegaconf\nDictConfig\n"):
        with pytest.raises(ArchiveError), read_archive(archive(tmp_path / "a", b"\x80\x02" + name + build)):
            pass
    slots = b"\x80\x02comegaconf\nDictConfig\n(N(dS'plain'\nI1\nstb."
    with pytest.raises(ArchiveError), read_archive(archive(tmp_path / "b", slots)):
        pass
    assert not hasattr(Settings, "plain")


def test_damage(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="not an archive"), read_archive(tmp_path / "none"):
        pass
    (tmp_path / "text").write_text("hello")
    with pytest.raises(ArchiveError, match="not an archive"), read_archive(tmp_path / "text"):
        pass
    with pytest.raises(ArchiveError, match="unreadable"), read_archive(archive(tmp_path / "c", b"\x80\x02(")):
        pass
    path = tmp_path / "a.ckpt"
    torch.save({"x": torch.ones(1000)}, path)
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "short", "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content[:100] if "data/" in name else content)
    with read_archive(tmp_path / "short") as found, pytest.raises(ArchiveError, match="ends at number 1000"):
        found["x"].load()


def test_types_as_dill_writes_them(tmp_path: Path, monkeypatch) -> None:
    """The public code saves with dill, which names types by a function of its own."""
    dill = ModuleType("dill._dill")
    source = "def _load_type(name):\n    return {'dict': dict}.get(name, int)"
    exec(source, dill.__dict__)
    monkeypatch.setitem(sys.modules, "dill", ModuleType("dill"))
    monkeypatch.setitem(sys.modules, "dill._dill", dill)
    load = dill._load_type
    saved = {"kind": Evil(load, "dict"), "made": Evil(defaultdict, dict), "other": Evil(load, "CodeType")}
    torch.save(saved, tmp_path / "a.ckpt")
    with read_archive(tmp_path / "a.ckpt") as found:
        assert found["kind"] is dict
        assert found["made"] == {}
        assert found["other"] is Settings


def test_settings_become_containers() -> None:
    def node(**state):
        made = Settings()
        made.__setstate__(state)
        return made

    value = node(_val="${horizon}", _metadata=None)
    content = {"a": value, "b": node(_content=[node(_val=1), node(_val=None)]), "c": node(_content=None)}
    assert plain(node(_content=content, _parent=None)) == {"a": "${horizon}", "b": [1, None], "c": None}
