"""Stages, their percentiles, and the lag of the arm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sag_ros.bench.latency.lag import STEP, Lag, lag
from sag_ros.bench.latency.picture import Shown, draw
from sag_ros.bench.latency.stages import STAGES, Summary, durations


@given(st.lists(st.floats(0.0, 500.0), min_size=1, max_size=300))
def test_percentiles_are_in_order_and_only_where_there_are_samples_enough(values: list[float]) -> None:
    summary = Summary.of(values)
    known = [value for value in summary.percentiles if np.isfinite(value)]
    assert known == sorted(known)
    assert summary.largest == max(values)
    assert np.isfinite(summary.percentiles[1]) == (len(values) >= 20)
    assert np.isfinite(summary.percentiles[2]) == (len(values) >= 100)
    assert np.isnan(summary.percentiles[3])  # 300 say nothing of one in a thousand


def test_what_is_not_known_does_not_count() -> None:
    assert Summary.of([1.0, np.nan, 3.0]).count == 2
    assert Summary.of([]).count == 0


def test_stages_add_up_to_the_whole() -> None:
    rng = np.random.default_rng(0)
    steps = rng.uniform(0.1, 5.0, (8, 50))
    ends = dict(zip(STAGES, steps.cumsum(axis=0), strict=False))
    found = durations(ends)
    assert list(found) == list(STAGES)[:8]
    np.testing.assert_allclose(sum(found.values()), ends["taken"])


def test_a_stage_that_nobody_reports_is_left_out_and_its_time_goes_to_the_next() -> None:
    ends = {"received": np.array([2.0]), "encoded": np.array([np.nan]), "denoised": np.array([9.0])}
    found = durations(ends)
    assert list(found) == ["received", "denoised"]
    assert found["denoised"] == [7.0]


@pytest.mark.parametrize("late", [0.0, 0.012, 0.0375, 0.2])
def test_the_lag_of_an_arm_is_found(late: float) -> None:
    t = STEP * np.arange(8000)
    rng = np.random.default_rng(1)

    def motion(t: np.ndarray) -> np.ndarray:
        return 0.3 * np.stack([np.sin(2.0 * t), np.sin(1.3 * t + 1.0)], axis=1)

    found = lag(motion(t), motion(t - late) + rng.normal(0.0, 1e-4, (8000, 2)))
    assert abs(found.value - 1e3 * late) < 0.5
    assert found.low - 0.5 <= 1e3 * late <= found.high + 0.5


def test_an_arm_that_was_put_back_says_nothing_of_its_lag() -> None:
    t = STEP * np.arange(8000)
    commanded = 0.3 * np.sin(2.0 * t)[:, None]
    measured = 0.3 * np.sin(2.0 * (t - 0.01))[:, None]
    measured[3000:3700] = 0.8
    assert abs(lag(commanded, measured).value - 10.0) < 0.5


def test_an_arm_at_rest_has_no_lag() -> None:
    rest = np.zeros((8000, 7))
    assert np.isnan(lag(rest, rest).value)
    assert np.isnan(lag(rest[:100], rest[:100]).value)


def test_the_picture_is_drawn(tmp_path: Path) -> None:
    stages = {"received": np.arange(30.0), "encoded": np.full(30, np.nan)}
    stages["encoded"][3] = 2.0
    conditions = {
        "no load": Shown(stages, np.arange(30.0), Lag(12.0, 11.0, 13.0)),
        "load": Shown({}, np.zeros(0), Lag()),
    }
    draw(tmp_path / "latency.png", conditions, 50.0, "a machine")
    without = (tmp_path / "latency.png").stat().st_size
    assert without > 10_000
    threads = [("policy_node", "inference", 0.4), ("sim_node", "physics", 0.2)]
    conditions["load"] = conditions["load"]._replace(threads=threads)
    draw(tmp_path / "latency.png", conditions, 50.0, "a machine")
    assert (tmp_path / "latency.png").stat().st_size > without
