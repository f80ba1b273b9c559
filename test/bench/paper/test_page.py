from __future__ import annotations

import json

import pytest

from sag_ros.bench.paper.options import Options
from sag_ros.bench.paper.page import content, kept, overview, write
from sag_ros.bench.paper.published import published


def row(method, successes, paired=None, parts=None, ms=2.0):
    times = {"policy": {"p50": ms, "p99": ms + 1}}
    return {
        "method": method,
        "family": method.rstrip("0123456789"),
        "successes": successes,
        "episodes": 200,
        "success": successes / 200,
        "ci95": [0.9, 0.99],
        "paired": paired,
        "density": 0.1,
        "ms": times,
        "torch_ms": None,
        "policy_speedup": 40.0 / ms,
        "smoothness": {"rms_jerk": {"mean": 12.345}},
        "parts": parts,
    }


def report(*rows):
    return {
        "rows": list(rows),
        "settings": {"seed": 10_000_000, "episodes": 200},
        "hardware": {"cpu": "A CPU"},
        "budgets": [{"ms": 2.5, "best_success": ["sag"]}, {"ms": 5.0, "best_success": ["sag", "ddim10"]}],
        "command": "sag bench tasks --task can --final",
        "complete": True,
    }


@pytest.fixture
def found():
    paired = {"difference": -2.0, "ci95": [-5.0, 1.0]}
    can = report(row("dense", 198, ms=40.0), row("ddim30", 190, paired), row("sag", 196, paired))
    kitchen = report(row("dense", 200, parts=[1.0, 1.0, 1.0, 0.995]), row("geometric10", 150, paired))
    return content({"can": can, "kitchen": kitchen}, {"can": ["bac9"], "kitchen": []})


def test_published_figures_stand_beside_those_of_the_same_method():
    assert published("can", "ddim", "ddim30") == {"success": 96, "speedup": 3.33}
    assert published("can", "ddim", "ddim10") is None  # of DDIM the paper has 30 steps only
    assert published("can", "uniform", "uniform10") == {"success": 75, "speedup": 3.36}
    assert published("kitchen", "bac", "bac9") == {
        "success": 90, "speedup": 3.66, "parts": [100, 100, 97, 90],
    }  # fmt: skip
    assert published("can_mixed", "sag", "sag") is None
    assert published("can", "geometric", "geometric10") is None


def test_the_overview_has_every_method_of_any_task(found):
    assert overview(found["tasks"]) == [
        ("dense", ["99.0", "100.0"]),
        ("ddim30", ["95.0", "–"]),
        ("sag", ["98.0", "–"]),
        ("geometric10", ["–", "75.0"]),
    ]


def test_page_and_json_are_written(found, tmp_path):
    data, html = write(found, tmp_path)
    assert json.loads(data.read_text())["tasks"]["can"]["best"] == {"2.5": ["sag"], "5": ["sag", "ddim10"]}
    text = html.read_text()
    assert "not comparable cell by cell" in text
    assert "-2.0 (-5.0 … +1.0)" in text
    assert "100 / 100 / 100 / 100" in text  # 99.5 % is rounded
    assert "Nothing was trained or searched here for bac9." in text
    assert "Seeds 10000000 to 10000199" in text


def test_long_episodes_are_fewer():
    options = Options(episodes=200)
    assert [options.episodes_of(task) for task in ("can", "transport", "tool_hang")] == [200, 50, 50]
    with pytest.raises(ValueError, match="door: known are lift"):
        Options(tasks=("door",))


def test_tasks_that_are_not_measured_now_stay_on_the_page(found, tmp_path):
    write(found, tmp_path)
    new = content({"can": report(row("dense", 150))}, {"can": []}, kept(tmp_path))
    assert list(new["tasks"]) == ["can", "kitchen"]
    assert [one["successes"] for one in new["tasks"]["can"]["rows"]] == [150]
    assert new["tasks"]["kitchen"] == found["tasks"]["kitchen"]
    assert kept(tmp_path / "nothing") == {}
