"""``sag fuzz``: what it prints, writes and returns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sag_ros.bench.fuzz import worker
from sag_ros.bench.fuzz.command import Fuzzing
from sag_ros.bench.fuzz.play import Failure, Outcome, play


def run(tmp_path: Path, **options: object) -> int:
    return Fuzzing(chunks=100, processes=1, out=tmp_path, **options).run()


def test_a_good_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, seed=7) == 0
    result = json.loads((tmp_path / "fuzz.json").read_text())
    assert (result["chunks"], result["seeds"], result["failures"]) == (100, [7, 10], [])
    assert result["complete"]
    assert result["accepted"] + sum(result["refused"].values()) == 100
    assert sum(calls["calls"] for calls in result["on_chunk_cpu_ms"].values()) == 100
    assert "seeds 7 to 10" in capsys.readouterr().out
    assert not list(tmp_path.glob("playing-*"))


def test_a_failure_is_written_and_replayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(arm: object, seed: int, chunks: int) -> tuple[Outcome, object]:
        outcome, story = play(arm, seed, chunks)
        if seed == 1:
            outcome.failures.append(Failure("position", "joint 4: position 9"))
        return outcome, story

    monkeypatch.setattr(worker, "play", failing)
    assert run(tmp_path) == 1
    result = json.loads((tmp_path / "fuzz.json").read_text())
    assert len(result["failures"]) == 1
    assert "seed 1: joint 4: position 9" in result["failures"][0]
    # This failure is made up, so what was written replays well.
    assert Fuzzing(replay=tmp_path / "failed-1.json").run() == 0


@pytest.mark.parametrize("wrong", [{"chunks": 0}, {"processes": -1}, {"seed": -1}])
def test_wrong_options(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least"):
        Fuzzing(**wrong).run()


def test_an_arm_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match="fr3"):
        Fuzzing(arm="nobody").run()
