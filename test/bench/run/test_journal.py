from __future__ import annotations

import json

import pytest

from sag_ros.bench.run.journal import Journal, kept_identities
from sag_ros.bench.run.records import EpisodeResult, Turn

SAG = {"format": 2, "task": "t", "weights": "abc", "engine": "reference", "mask_source": "sag"}
DENSE = {**SAG, "mask_source": "dense"}
IDENTITIES = {"dense": DENSE, "sag": SAG}
OLD = {
    "identity": {"task": "t", "weights": "abc", "engine": ["reference"]},
    **{
        "method": "sag",
        "seed": 1,
        "success": True,
        "message": "",
        "seconds": 5.0,
        "density": 0.1,
        "ms": [1.0],
    },
}


def episodes(path, identities=IDENTITIES):
    return Journal(path, identities, EpisodeResult)


def result(method="sag", seed=1, **changes):
    return EpisodeResult(method, seed, True, "done", 5.0, 0.1, jump=0.03, **changes)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "episodes.jsonl"


def test_round_trip(path):
    first = episodes(path)
    first.append(result(seed=2, clipped=3))
    first.append(result(seed=1))
    again = episodes(path)
    assert ("sag", 1) in again
    assert ("sag", 3) not in again
    assert ("dense", 1) not in again
    assert again.records("sag", range(1, 4)) == [result(seed=1), result(seed=2, clipped=3)]
    assert again.records("sag", range(2, 3)) == [result(seed=2, clipped=3)]


def test_other_weights_do_not_count(path):
    episodes(path).append(result())
    other = episodes(path, {"dense": DENSE, "sag": {**SAG, "weights": "def"}})
    assert ("sag", 1) not in other
    assert other.foreign == 1
    other.append(result())
    assert ("sag", 1) in episodes(path)


def test_torn_line_is_run_again_and_does_not_swallow_the_next(path):
    journal = episodes(path)
    journal.append(result(seed=1))
    journal.append(result(seed=2))
    path.write_text(path.read_text()[:-20])
    again = episodes(path)
    assert ("sag", 1) in again
    assert ("sag", 2) not in again
    again.append(result(seed=3))
    last = episodes(path)
    assert ("sag", 3) in last
    assert len(last.records("sag", range(9))) == 2


@pytest.mark.parametrize("line", ["[]", "{}", "null", "{"])
def test_lines_that_are_none_are_ignored(path, line):
    path.parent.mkdir()
    path.write_text(line + "\n")
    assert episodes(path).records("sag", range(9)) == []
    assert episodes(path).foreign == 0


@pytest.mark.parametrize("line", [OLD, {"identity": SAG, "method": "sag", "colour": 1}])
def test_other_formats_count_as_foreign(path, line):
    path.parent.mkdir()
    path.write_text(json.dumps(line) + "\n")
    assert episodes(path).records("sag", range(9)) == []
    assert episodes(path).foreign == 1


def test_methods_come_and_go_without_harm(path):
    episodes(path).append(result())
    more = episodes(path, {"ddim5": {**SAG, "mask_source": "x"}, **IDENTITIES})
    assert ("sag", 1) in more
    assert ("ddim5", 1) not in more


def test_a_method_is_known_by_its_identity_not_by_its_name(path):
    episodes(path).append(result())
    renamed = episodes(path, {"sag@models/renamed": SAG, "sag": {**SAG, "weights": "def"}})
    assert [one.method for one in renamed.records("sag@models/renamed")] == ["sag@models/renamed"]
    assert renamed.records("sag") == []


def test_forgotten_records_are_replaced(path):
    journal = episodes(path)
    journal.append(result())
    journal.forget()
    assert ("sag", 1) not in journal
    journal.append(result(clipped=7))
    assert [one.clipped for one in episodes(path).records("sag")] == [7]


def test_other_records(path):
    turn = Turn("sag", 4, [1.0], [2.0], [3.0], [4.0])
    Journal(path, IDENTITIES, Turn).append(turn)
    assert Journal(path, IDENTITIES, Turn).records("sag") == [turn]


def test_kept_identities_are_the_newest_that_fit(path):
    newer = {**SAG, "weights": "def"}
    for identity in (SAG, newer, {**SAG, "task": "other"}):
        episodes(path, {"sag": identity}).append(result())
    with path.open("a") as file:
        file.write("torn\n" + json.dumps(OLD) + "\n")
    assert kept_identities(path, ["dense", "sag"], {"format": 2, "task": "t"}) == {"sag": newer}
    assert kept_identities(path.with_name("none"), ["sag"], {}) == {}
