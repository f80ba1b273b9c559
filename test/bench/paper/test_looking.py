from __future__ import annotations

from pathlib import Path

import pytest

from sag_ros.bench.paper.looking import Question, answer, draw

NEED = {"one": 0.04, "coin": 0.038, "told": 0.03, "best": 0.029, "told_density": 0.14}


def row(method: str, failed: list[int], episodes: int = 50, density: float = 0.03) -> dict:
    return {"method": method, "failed": failed, "episodes": episodes, "density": density}


RUNS = {
    "first": {"rows": [row("sag", [1, 2, 3]), row("sag_mean", [3]), row("dense", [])]},
    "second": {"tasks": {"can": {"rows": [row("sag", [7], density=0.05), row("sag_mean", [8, 9])]}}},
}


def test_runs_are_pooled_pair_by_pair() -> None:
    found = answer(Question("can", "sag", "sag_mean", ("first", "second")), RUNS.__getitem__)
    assert (found.episodes, found.told, found.blind) == (100, 96, 97)
    assert found.difference == pytest.approx(-1.0)  # alone: 2 of the one, 3 of the other
    assert found.low < -1.0 < found.high
    assert found.density == pytest.approx((0.04, 0.03))
    assert found.p == pytest.approx(1.0)


def test_what_played_other_episodes_is_no_pair() -> None:
    runs = {"one": {"rows": [row("sag", [], 40), row("sag_mean", [])]}}
    with pytest.raises(ValueError, match="40 and 50 episodes are no pairs"):
        answer(Question("can", "sag", "sag_mean", ("one",)), runs.__getitem__)
    with pytest.raises(KeyError, match="geometric10"):
        answer(Question("can", "sag", "geometric10", ("first",)), RUNS.__getitem__)


def test_the_picture(tmp_path: Path) -> None:
    found = answer(Question("can", "sag", "sag_mean", ("first",)), RUNS.__getitem__)
    draw([found, found], NEED, tmp_path / "looking.png")
    assert (tmp_path / "looking.png").stat().st_size > 10_000
