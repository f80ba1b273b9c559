"""The fastest that costs nothing; a search has to beat what needs none."""

from __future__ import annotations

from typing import Any

import pytest

from sag_ros.bench.accelerate.recommendation import acceptable, confirmed, holds, recommend, to_state
from sag_ros.bench.accelerate.rungs import rungs


def row(name: str, kind: str, ms: float, worse: float = 0.0, verdict: str | None = "") -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": name, "kind": kind, "ms": [ms, 2 * ms], "sampler": "ddpm", "mask_source": name,
        "error": 0.02 + worse, "error_difference": [worse, worse - 1e-4, worse + 1e-4],
    }  # fmt: skip
    if verdict != "":
        fewer = {"unclear": 8.0, "worse": 20.0}.get(verdict or "", 0.0)
        found["chosen"] = {"verdict": verdict, "episodes": 50, "difference": [-fewer, -30.0, 1.0]}
    return found


def names(rows: list[Any]) -> list[str]:
    return [one["name"] for one in rows]


DENSE = row("dense", "dense", 60.0)


def test_without_episodes_the_error_decides() -> None:
    rows = [DENSE, row("ddim10", "cheap", 6.0), row("ddim5", "cheap", 3.0, 0.005)]
    assert names(acceptable(rows)) == ["ddim10", "dense"]
    assert recommend(rows)[0]["name"] == "ddim10"


def test_with_episodes_the_verdict_decides() -> None:
    dense = row("dense", "dense", 60.0, verdict=None)
    good = row("ddim5", "cheap", 3.0, 0.005, "not inferior")
    bad = row("ddim10", "cheap", 6.0, 0.0, "unclear")
    unplayed = row("geometric3", "cheap", 1.0)
    assert names(acceptable([dense, good, bad, unplayed])) == ["ddim5", "dense"]


@pytest.mark.parametrize(("ms", "taken"), [(5.0, "searched3"), (5.6, "ddim10"), (7.0, "ddim10")])
def test_a_search_has_to_beat_what_needs_none(ms: float, taken: str) -> None:
    rows = [DENSE, row("ddim10", "cheap", 6.0), row("searched3", "searched", ms)]
    chosen, reason = recommend(rows)
    assert chosen["name"] == taken
    assert reason


def test_nothing_cheaper_is_as_good() -> None:
    chosen, reason = recommend([DENSE, row("searched3", "searched", 2.0, 0.1)])
    assert (chosen["name"], reason) == ("dense", "nothing cheaper is as good")


def test_stated_are_the_recommended_one_and_the_best_of_each_kind() -> None:
    rows = [
        DENSE, row("ddim10", "cheap", 6.0), row("ddim16", "cheap", 9.0), row("searched3", "searched", 2.0),
        row("searched5", "searched", 3.0), row("searched10", "searched", 5.0),
    ]  # fmt: skip
    assert to_state(rows) == ["dense", "searched3", "ddim10", "searched5"]
    assert to_state(rows[:1]) == ["dense"]


def test_confirmed_only_by_episodes_that_no_choice_saw() -> None:
    assert confirmed(DENSE) is None
    few = {"episodes": 80, "difference": [-3.75, -10.0, 1.0]}
    assert confirmed({"stated": {"verdict": "unclear", **few}}) is False
    assert confirmed({"stated": {"verdict": "within margin", **few}}) is True


@pytest.mark.parametrize(
    ("fewer", "episodes", "verdict", "good"),
    [(2, 80, "unclear", True), (3, 80, "unclear", False), (2, 80, "worse", False), (4, 200, "unclear", True),
     (5, 200, "unclear", False), (1, 10, "unclear", True), (9, 80, "not inferior", True)],
)  # fmt: skip
def test_a_margin_is_rounded_up_to_whole_episodes(fewer, episodes, verdict, good) -> None:
    played = {"verdict": verdict, "episodes": episodes, "difference": [-100.0 * fewer / episodes, -50.0, 1.0]}
    assert holds(played, 2.0) is good


def test_a_ladder_begins_with_the_recommended_one_and_gets_cheaper() -> None:
    rows = [DENSE, row("a", "searched", 3.0), row("b", "searched", 2.9), row("c", "searched", 2.0)]
    for number, one in enumerate(rows):
        one["stated"] = {"successes": 90 + number, "episodes": 100}
    found = rungs(rows, "a", "pick_release")
    assert [one["mask_source"] for one in found] == ["a", "c"]
    assert found[0]["successes"] == 91
    assert rungs(rows, "unknown", "pick_release") == []
