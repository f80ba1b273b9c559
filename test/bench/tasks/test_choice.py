from __future__ import annotations

import pytest

from sag_ros.bench.tasks.choice import at_equal_ms, curves, pareto, parse_budgets


def row(method, ms, success, density=0.1, jerk=100.0, p=1.0, encode=2.0):
    paired = None if method == "dense" else {"difference": success - 1, "p": p}
    return {
        "method": method,
        "family": method.rstrip("0123456789"),
        "success": success,
        "density": density,
        "paired": paired,
        "smoothness": {"rms_jerk": {"mean": jerk}},
        "ms": None if ms is None else {"policy": {"p50": ms}, "encode": {"p50": encode}},
    }


ROWS = [
    row("dense", 80.0, 1.0, 1.0),
    row("sag", 4.0, 0.98, 0.03),
    row("sag9", 8.0, 0.98, 0.09, jerk=90.0),
    row("ddim3", 2.4, 0.5, 0.03, jerk=50.0, p=0.001),
    row("ddim10", 9.0, 0.97, 0.1),
    row("untimed", None, 1.0),
]


def test_parse_budgets():
    assert parse_budgets("20, 2.5,5") == [2.5, 5.0, 20.0]
    assert parse_budgets("") == []
    for text in ("2,x", "0", "-1", "inf", "nan"):
        with pytest.raises(ValueError, match="--budgets"):
            parse_budgets(text)


def test_budgets():
    found = at_equal_ms(ROWS, [1.0, 2.5, 5.0, 10.0, 100.0])
    assert [one["methods"] for one in found] == [
        [],
        ["ddim3"],
        ["sag", "ddim3"],
        ["sag", "sag9", "ddim10", "ddim3"],
        ["dense", "sag", "sag9", "ddim10", "ddim3"],
    ]
    assert [one["best_success"] for one in found] == [[], ["ddim3"], ["sag"], ["sag", "sag9"], ["dense"]]
    # ddim3 is the smoothest, but significantly worse than dense.
    assert [one["smoothest"] for one in found] == [None, None, "sag", "sag9", "sag9"]
    assert [one["total_ms"] for one in found] == [3.0, 4.5, 7.0, 12.0, 102.0]


def test_a_tenth_over_the_budget_still_fits():
    timed = [row("dense", 5.5, 1.0), row("sag", 5.51, 1.0)]
    assert at_equal_ms(timed, [5.0])[0]["methods"] == ["dense"]


def test_budgets_without_times():
    found = at_equal_ms([row("sag", None, 1.0)], [5.0])
    assert (found[0]["methods"], found[0]["total_ms"]) == ([], None)


def test_pareto_front():
    assert pareto(ROWS) == ["ddim3", "sag", "dense"]
    assert pareto([row("a", 1.0, 0.9), row("b", 1.0, 0.95), row("c", 2.0, 0.95)]) == ["b"]
    assert pareto([row("a", 1.0, 0.0)]) == ["a"]


def test_curves_are_of_families_with_several_members():
    assert curves(ROWS) == {"sag": ["sag", "sag9"], "ddim": ["ddim3", "ddim10"]}
