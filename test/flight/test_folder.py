from __future__ import annotations

import os

import pytest

from sag_ros.flight.folder import NoRoom, RecordingFolder


def write(folder: RecordingFolder, name: str, size: int, age: float = 0.0):
    file = folder.create(name)
    file.write(bytes(size))
    path = file.finish()
    os.utime(path, (1e9 - age, 1e9 - age))
    return path


def test_a_recording_is_there_only_when_it_is_whole(tmp_path):
    folder = RecordingFolder(tmp_path / "new", 10_000)
    file = folder.create("one")
    file.write(b"abc")
    assert folder.recordings() == []
    assert [path.name for path in folder.path.iterdir()] == ["one.mcap.part"]
    assert file.finish().read_bytes() == b"abc"
    assert [path.name for path in folder.path.iterdir()] == ["one.mcap"]
    file = folder.create("one")
    file.write(b"d")
    file.abandon()
    assert folder.create("one").path.name == "one_1.mcap"


def test_the_oldest_go_first_and_the_quota_is_never_exceeded(tmp_path):
    folder = RecordingFolder(tmp_path, 1000)
    paths = [write(folder, f"r{number}", 300, age=10 - number) for number in range(3)]
    file = folder.create("new")
    for _ in range(8):
        file.write(bytes(50))
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 1000
    file.finish()
    assert [path.exists() for path in paths] == [False, True, True]
    assert folder.removed == 1
    assert folder.used() == 1000


def test_one_that_cannot_fit_is_refused_and_leaves_nothing(tmp_path):
    folder = RecordingFolder(tmp_path, 1000)
    file = folder.create("large")
    file.write(bytes(900))
    with pytest.raises(NoRoom, match="quota"):
        file.write(bytes(3000))
    file.abandon()
    assert list(tmp_path.iterdir()) == []
    assert folder.used() == 0


def test_what_a_crash_left_behind_is_removed(tmp_path):
    (tmp_path / "old.mcap.part").write_bytes(b"half")
    (tmp_path / "notes.txt").write_text("mine")
    RecordingFolder(tmp_path, 1000)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
