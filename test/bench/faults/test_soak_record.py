"""What a soak counts, and when it is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sag_ros.bench.faults.holding import Holding
from sag_ros.bench.faults.outcome import Expected, GoesOn, Outcome
from sag_ros.bench.faults.soak_picture import draw
from sag_ros.bench.faults.soak_record import Sample, Soak, SoakEpisode, SoakFault


def soak(memory=lambda at: 600.0, threads=lambda at: 29) -> Soak:
    samples = [
        Sample(at, "policy_node", Holding(threads(at), 24, memory(at))) for at in np.arange(0.0, 3600.0, 10.0)
    ]
    episodes = [
        SoakEpisode(0.0, 1, 9.0, True, rate=55.0, latencies=[20.0, 30.0]),
        SoakEpisode(10.0, 2, 20.0, False, ["camera-dead"], 40.0, [20.0]),
    ]
    outcome = Outcome("camera-dead", "", Expected(GoesOn.ITSELF), 0.4, 1.0, 9.0, 2000.0)
    outcome.goes_on = GoesOn.ITSELF
    return Soak(3600.0, samples, episodes, [SoakFault.of(12.0, outcome)])


def test_a_good_hour() -> None:
    good = soak(memory=lambda at: 600.0 + 240.0 * (at % 300.0 < 10.0))  # loading comes and goes
    assert good.wrong() == []
    summary = good.summary()
    assert summary["episodes_between"] == {"successes": 1, "of": 1, "ci95": [pytest.approx(0.207), 1.0]}
    assert summary["episodes_with_faults"]["successes"] == 0
    assert summary["goes_on"] == {"by itself": 1}
    assert summary["latency_p50_ms"] == 25.0
    assert summary["worst_jerk"] == 2000.0
    plain = json.loads(json.dumps(good.plain()))
    assert len(plain["held"]["policy_node"]["memory"]) == 360
    assert plain["episodes"][1]["faults"] == ["camera-dead"]


def test_what_grows_is_named() -> None:
    assert soak(memory=lambda at: 600.0 + at / 60.0).wrong() == ["policy_node: 645 MiB, before 606"]
    assert soak(threads=lambda at: 29 + int(at > 1800.0)).wrong() == ["policy_node: 30 threads, before 29"]
    loading = soak(memory=lambda at: 300.0 if at < 100.0 else 600.0)  # until everything was used once
    assert loading.wrong() == []


def test_what_must_not_be_is_counted() -> None:
    bad = soak()
    bad.episodes[0].violations = 2
    bad.faults[0].goes_on = GoesOn.ACTIVATE
    bad.faults[0].old = 1
    bad.episodes[1].problem = "the arm does not move"
    assert bad.wrong() == [
        "2 limit violations",
        "2 restarts were needed",
        "1 chunks of observations from before a stop",
    ]


def test_nothing_at_all_can_be_written(tmp_path: Path) -> None:
    json.dumps(Soak(1.0).plain(), allow_nan=False)
    draw(tmp_path / "empty.png", Soak(1.0), "")
    draw(tmp_path / "full.png", soak(), "a machine")
    assert (tmp_path / "full.png").stat().st_size > 10_000
