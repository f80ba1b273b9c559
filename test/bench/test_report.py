from __future__ import annotations

import json
from io import StringIO

import pytest
from rich.console import Console

from sag_ros.bench import report
from sag_ros.bench.journal import EpisodeResult
from sag_ros.bench.statistics import wilson


def episodes(method, ms, successes=3, count=4, density=1.0):
    return [
        EpisodeResult(method, seed, seed < successes, "", 5.0, density, ms=[ms, ms, ms], clipped=1)
        for seed in range(count)
    ]


def test_row():
    results = {"dense": episodes("dense", 40.0), "sag": episodes("sag", 10.0, 4, density=0.25)}
    dense, sag = report.rows("t", results)
    keys = {"task", "method", "episodes", "successes", "ci95", "density", "ms_p50", "ms_p99", "speedup"}
    assert keys <= sag.keys()
    assert (sag["task"], sag["method"], sag["episodes"], sag["successes"]) == ("t", "sag", 4, 4)
    assert sag["ci95"] == pytest.approx(wilson(4, 4), abs=1e-4)
    assert dense["ci95"] == pytest.approx(wilson(3, 4), abs=1e-4)
    assert (sag["density"], sag["ms_p50"], sag["speedup"]) == (0.25, 10.0, 4.0)
    assert dense["speedup"] == 1.0
    assert (sag["chunks"], sag["clipped"]) == (12, 4)


def test_percentiles_are_over_all_chunks():
    results = [EpisodeResult("dense", n, True, "", 1.0, 1.0, ms=[float(n)] * 10) for n in range(101)]
    (row,) = report.rows("t", {"dense": results})
    assert (row["ms_p50"], row["ms_p99"], row["ms_max"]) == (50.0, 99.0, 100.0)


def test_no_speed_up_without_dense():
    (row,) = report.rows("t", {"dense": [], "sag": episodes("sag", 10.0)})
    assert row["speedup"] is None


def test_episode_without_chunks_is_json():
    (row,) = report.rows("t", {"sag": [EpisodeResult("sag", 0, False, "", 0.0, 0.0)]})
    assert row["ms_p50"] is None
    json.dumps(row, allow_nan=False)


def test_table_shows_what_counts():
    rows = report.rows("t", {"dense": episodes("dense", 40.0), "sag": episodes("sag", 10.0)})
    console = Console(width=120, record=True, file=StringIO())
    console.print(report.table(rows, "title"))
    text = console.export_text()
    for part in ("title", "3/4", "4.00×", "30.1–95.4", "10.0"):
        assert part in text
