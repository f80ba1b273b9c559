from __future__ import annotations

import json
from dataclasses import replace

import pytest

from sag_ros.flight.reading import RecordingError, open_recording
from sag_ros.policy.bundle import save_bundle
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.ros.replay import evidence as module
from sag_ros.ros.replay.command import Replay
from sag_ros.ros.replay.evidence import load
from sag_ros.ros.replay.picture import moment


def test_all_of_it(recording, tmp_path, capsys):
    options = Replay(recording, mask_source="dense", out=tmp_path, test=tmp_path / "test_it.py")
    assert options.run() == 0
    said = capsys.readouterr().out
    assert "bit for bit" in said and "ddim2+dense" in said and "decisions (chunks) a second" in said
    found = json.loads((tmp_path / f"{recording.stem}.replay.json").read_text())
    assert found["chunks"]["equal"] == found["chunks"]["chunks"] >= 5
    assert found["commands"]["equal"] == found["commands"]["commands"] >= 5
    assert found["not_the_same"] == []
    assert found["another"]["density"]["now"] == 1.0
    assert (tmp_path / f"{recording.stem}.beside.png").stat().st_size > 10_000
    assert (tmp_path / "test_it.json").is_file()


def test_other_weights_are_said_and_compared_within_a_bound(recording, tmp_path, capsys):
    save_bundle(tmp_path / "other", random_bundle(1))
    other = str(tmp_path / "other")
    options = Replay(recording, recorded_bundle=other, out=tmp_path, picture=False, chunks=3)
    assert options.run() == 1
    said = capsys.readouterr().out
    assert "weights" in said and "OUTSIDE" in said


def test_what_cannot_be_replayed_is_refused(recording, tmp_path, monkeypatch):
    (tmp_path / "x.mcap").write_bytes(b"")
    with pytest.raises(RecordingError, match="no whole MCAP"):
        Replay(tmp_path / "x.mcap").run()
    monkeypatch.setattr(module, "open_recording", lambda path: replace(open_recording(path), metadata={}))
    with pytest.raises(RecordingError, match="flight recorder"):
        Replay(recording).run()


def test_the_moment_is_when_the_arm_was_told_to_stop(recording):
    evidence = load(recording)
    at, text = moment(evidence)
    assert at == evidence.commands[-1].sent
    assert "forced by a test" in text
