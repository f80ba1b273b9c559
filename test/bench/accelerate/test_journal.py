"""Stages are done once, also over interruptions."""

from __future__ import annotations

from pathlib import Path

import pytest

from sag_ros.bench.accelerate.journal import Journal


class Clock:
    """Set by the test, s."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def journal(path: Path, clock: Clock, said: list[str] | None = None, **key: object) -> Journal:
    return Journal(path / "state.json", key, 10.0, [].append if said is None else said.append, clock)


def test_a_stage_is_done_once_and_time_adds_up(tmp_path: Path) -> None:
    clock, calls = Clock(), []

    def work() -> dict[str, float]:
        calls.append(1)
        clock.now += 60.0
        return {"a": 1.5}

    first = journal(tmp_path, clock, seed=1)
    assert first.stage("search", "searching", work) == {"a": 1.5}
    assert (first.spent, first.left) == (60.0, 540.0)
    clock.now = 5000.0  # much later
    said: list[str] = []
    again = journal(tmp_path, clock, said, seed=1)
    assert again.stage("search", "searching", work) == {"a": 1.5}
    assert (again.spent, len(calls)) == (60.0, 1)
    assert said == ["[1:00 of 10:00] searching: done before"]


def test_what_an_interrupted_stage_took_counts(tmp_path: Path) -> None:
    clock = Clock()

    def interrupted() -> None:
        clock.now += 30.0
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        journal(tmp_path, clock).stage("search", "searching", interrupted)
    assert journal(tmp_path, clock).spent == 30.0


def test_other_settings_begin_anew(tmp_path: Path) -> None:
    clock = Clock()
    journal(tmp_path, clock, seed=1).stage("a", "a", lambda: 1)
    assert journal(tmp_path, clock, seed=2).stage("a", "a", lambda: 2) == 2


def test_a_budget_that_is_used_up_leaves_nothing(tmp_path: Path) -> None:
    clock = Clock()
    one = journal(tmp_path, clock)
    clock.now += 10_000.0
    assert one.left == 0.0
