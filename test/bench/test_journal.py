from __future__ import annotations

import json

import pytest

from sag_ros.bench.journal import EpisodeResult, Journal

IDENTITY = {"task": "t", "weights": "abc", "engine": ["reference"]}


def result(method="sag", seed=1, **changes):
    return EpisodeResult(method, seed, True, "done", 5.0, 0.1, ms=[1.0, 2.5], **changes)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "episodes.jsonl"


def test_round_trip(path):
    first = Journal(path, IDENTITY)
    first.append(result(seed=2, clipped=3))
    first.append(result(seed=1))
    again = Journal(path, IDENTITY)
    assert ("sag", 1) in again
    assert ("sag", 3) not in again
    assert ("dense", 1) not in again
    assert again.results("sag", range(1, 4)) == [result(seed=1), result(seed=2, clipped=3)]
    assert again.results("sag", range(2, 3)) == [result(seed=2, clipped=3)]


def test_other_weights_do_not_count(path):
    Journal(path, IDENTITY).append(result())
    other = Journal(path, {**IDENTITY, "weights": "def"})
    assert ("sag", 1) not in other
    assert other.foreign == 1
    other.append(result())
    assert ("sag", 1) in Journal(path, IDENTITY)


def test_torn_line_is_run_again_and_does_not_swallow_the_next(path):
    journal = Journal(path, IDENTITY)
    journal.append(result(seed=1))
    journal.append(result(seed=2))
    path.write_text(path.read_text()[:-20])
    again = Journal(path, IDENTITY)
    assert ("sag", 1) in again
    assert ("sag", 2) not in again
    again.append(result(seed=3))
    last = Journal(path, IDENTITY)
    assert ("sag", 3) in last
    assert len(last.results("sag", range(9))) == 2


@pytest.mark.parametrize("line", ["[]", "{}", "null", json.dumps({"identity": IDENTITY, "colour": 1})])
def test_foreign_lines_are_ignored(path, line):
    path.parent.mkdir()
    path.write_text(line + "\n")
    assert Journal(path, IDENTITY).results("sag", range(9)) == []
