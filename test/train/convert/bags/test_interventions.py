"""When a human had the arm is kept, frame by frame."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("rosbags")

from bag_files import converting, recorded, types, write

from sag_ros.data.demonstrations import Demonstrations, DemonstrationWriter, Episode, StoreError
from sag_ros.train.convert.raw import ConversionError

PERIOD = 0.05
MARKS, TAKEOVER = "/recorder_node/marks", "/takeover"


def mark(seconds, kind, text):
    return MARKS, seconds, types()["std_msgs/msg/String"](json.dumps({"kind": kind, "text": text}))


def taken(seconds, value):
    return TAKEOVER, seconds, types()["std_msgs/msg/Bool"](value)


def expected(begin, end):
    times = PERIOD * np.arange(40)
    return (times >= begin) & (times < end)


def kept(tmp_path, joints, messages, said, capsys):
    write(tmp_path / "bag", sorted([*recorded(), *messages], key=lambda one: one[1]))
    assert converting(tmp_path / "bag", tmp_path / "a.zarr", joints, interventions=said).run() == 0
    report = json.loads((tmp_path / "a.report.json").read_text())
    found = Demonstrations(tmp_path / "a.zarr").intervention
    assert report["intervention_frames"] == found.sum()
    assert f"a human in {found.sum()} of them" in " ".join(capsys.readouterr().out.split())
    return found[:40]


def test_by_a_topic_that_is_true_meanwhile(tmp_path, joints, capsys):
    messages = [taken(0.1, False), taken(0.52, True), taken(0.7, True), taken(1.12, False)]
    np.testing.assert_array_equal(kept(tmp_path, joints, messages, TAKEOVER, capsys), expected(0.52, 1.12))


def test_by_the_recorders_marks(tmp_path, joints, capsys):
    messages = [
        mark(0.2, "episode", "1, seed 5"),
        mark(0.52, "state", "running to paused: an operator paused it"),
        mark(0.61, "state", "paused to taken over: by /takeover"),
        mark(0.7, "operator", "failure of episode 1"),
        mark(1.12, "state", "taken over to waiting: waiting for the first chunk"),
        mark(1.2, "state", "waiting to running"),
        mark(1.72, "state", "running to paused: again"),
    ]
    found = kept(tmp_path, joints, messages, MARKS, capsys)
    np.testing.assert_array_equal(found, expected(0.52, 1.12) | expected(1.72, 9.0))


def test_a_node_that_says_nothing_more_is_nobodys(tmp_path, joints, capsys):
    messages = [mark(0.52, "state", "running to paused: x"), mark(0.92, "silent", "nothing for 2 s")]
    np.testing.assert_array_equal(kept(tmp_path, joints, messages, MARKS, capsys), expected(0.52, 0.92))


def test_without_it_nothing_is_said_of_humans(tmp_path, joints):
    write(tmp_path / "bag", recorded())
    assert converting(tmp_path / "bag", tmp_path / "a.zarr", joints).run() == 0
    assert Demonstrations(tmp_path / "a.zarr").intervention is None


def test_a_topic_that_is_not_there_is_named(tmp_path, joints):
    write(tmp_path / "bag", recorded())
    with pytest.raises(ConversionError, match="has no topic /takeover; there is"):
        converting(tmp_path / "bag", tmp_path / "a.zarr", joints, interventions=TAKEOVER).run()


def test_a_store_tells_of_all_its_episodes_or_of_none(tmp_path):
    rows = np.zeros((4, 2), np.float32)
    told = Episode({}, rows, rows, np.zeros((4, 0), np.float32), intervention=np.array([0, 1, 1, 0], bool))
    untold = Episode({}, rows, rows, np.zeros((4, 0), np.float32))
    attributes = {"period": 0.05, "privileged": []}
    writer = DemonstrationWriter(tmp_path / "a", attributes)
    writer.append(told)
    writer.append(told)
    np.testing.assert_array_equal(Demonstrations(tmp_path / "a").episode(1).intervention, told.intervention)
    with pytest.raises(StoreError, match="say when a human had the arm, or none"):
        writer.append(untold)
    other = DemonstrationWriter(tmp_path / "b", attributes)
    other.append(untold)
    assert Demonstrations(tmp_path / "b").episode(0).intervention is None
    with pytest.raises(StoreError, match="or none"):
        other.append(told)
