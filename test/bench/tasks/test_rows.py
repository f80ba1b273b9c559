from __future__ import annotations

import json

import pytest

from sag_ros.bench.run.methods import Method
from sag_ros.bench.run.paired import mcnemar, tango
from sag_ros.bench.run.records import EpisodeResult, Turn
from sag_ros.bench.run.statistics import wilson
from sag_ros.bench.tasks.rows import Measured, compare, rows, significantly_worse, times, verdict


def episodes(method, successes, first=0, jerk=100.0, **changes):
    return [
        EpisodeResult(
            method, first + n, bool(ok), "", 5.0 + n, 0.1, chunks=3, rms_jerk=jerk + n, clipped=1, **changes
        )
        for n, ok in enumerate(successes)
    ]


def turn(method, number, policy, encode=2.0, chunks=4):
    return Turn(method, number, [encode] * chunks, [0.5] * chunks, [0.25] * chunks, [policy - 0.75] * chunks)


def measured(name, successes, ms=None, **changes):
    turns = [] if ms is None else [turn(name, n, ms) for n in range(2)]
    identity = {"engine": "native-bf16", "weights": "abc", "sampler": "ddpm", "mask_source": name}
    return Measured(Method(name, "ddpm", name), identity, episodes(name, successes, **changes), turns)


def test_row():
    dense, sag = rows("t", [measured("dense", [1, 1, 1, 0], 40.0), measured("sag", [1, 0, 1, 1], 10.0)])
    keys = {"task", "method", "episodes", "successes", "ci95", "density", "ms_p50", "ms_p99", "speedup"}
    assert keys <= sag.keys()
    assert (sag["task"], sag["method"], sag["episodes"], sag["successes"]) == ("t", "sag", 4, 3)
    assert (dense["failed"], sag["failed"]) == ([3], [1])
    assert sag["ci95"] == pytest.approx(wilson(3, 4), rel=1e-5)
    assert (sag["density"], sag["chunks"], sag["clipped"]) == (0.1, 12, 4)
    assert (sag["engine"], sag["weights"]) == ("native-bf16", "abc")
    assert sag["seconds"] == pytest.approx((5 + 7 + 8) / 3)  # of successes
    assert (dense["paired"], dense["verdict"], dense["speedup"]) == (None, None, 1.0)


def test_times_with_and_without_encoding():
    found = times([turn("sag", 0, 10.0), turn("sag", 1, 20.0)])
    assert found["chunks"] == 8
    assert found["policy"]["p50"] == pytest.approx(15.0)
    assert found["total"]["p50"] == pytest.approx(17.0)
    assert found["total"]["p99"] == pytest.approx(22.0)
    assert [found[part]["p50"] for part in ("encode", "pruner", "plan")] == [2.0, 0.5, 0.25]
    assert times([]) is None


def test_speed_up_is_of_medians_in_the_same_engine():
    _, sag = rows("t", [measured("dense", [1], 40.0), measured("sag", [1], 10.0)])
    assert sag["speedup"] == pytest.approx(42 / 12)
    assert sag["policy_speedup"] == pytest.approx(4.0)
    assert (sag["ms_p50"], sag["ms_p99"]) == (12.0, 12.0)
    (alone,) = rows("t", [measured("sag", [1], 10.0)])
    assert alone["speedup"] is None


def test_percentiles_are_over_all_chunks():
    found = times([Turn("dense", n, [0.0], [0.0], [0.0], [float(n)]) for n in range(101)])
    assert (found["denoise"]["p50"], found["denoise"]["p99"]) == (50.0, 99.0)


def test_pairs_are_of_common_seeds():
    dense = episodes("dense", [1, 1, 1, 1, 0, 0])
    own = episodes("sag", [0, 0, 1, 1, 1], first=1)  # seeds 1 to 5
    found = compare(own, dense)
    assert (found["pairs"], found["dense_only"], found["method_only"]) == (5, 2, 2)
    assert found["difference"] == 0.0
    assert found["ci95"] == pytest.approx([100 * bound for bound in tango(2, 2, 5)])
    assert found["p"] == mcnemar(2, 2)
    assert compare(episodes("sag", [1], first=50), dense) is None


def test_sign_of_the_difference():
    found = compare(episodes("sag", [0] * 8 + [1] * 2), episodes("dense", [1] * 10))
    assert found["difference"] == -80.0
    assert found["ci95"][0] < -80.0 < found["ci95"][1] < 0.0
    assert found["p"] == pytest.approx(2 / 2**8)


def test_holm_counts_the_methods():
    dense = measured("dense", [1] * 10)
    _, one = rows("t", [dense, measured("a", [0] * 7 + [1] * 3)])
    assert one["paired"]["p_holm"] == one["paired"]["p"] == pytest.approx(2 / 2**7)
    _, a, b, _ = rows("t", [dense, measured("a", [0] * 7 + [1] * 3), *(measured(n, [1] * 10) for n in "bc")])
    assert a["paired"]["p_holm"] == pytest.approx(3 * 2 / 2**7)
    assert b["paired"]["p_holm"] == 1.0


@pytest.mark.parametrize(
    ("difference", "low", "p", "p_holm", "said"),
    [
        (-30.0, -40.0, 0.001, 0.01, "worse"),
        (30.0, 20.0, 0.001, 0.01, "better"),
        (0.0, -1.9, 1.0, 1.0, "not inferior"),
        (-1.0, -4.0, 0.7, 1.0, "within margin"),
        (-2.0, -5.0, 0.7, 1.0, "within margin"),
        (-1.9, -3.0, 0.04, 1.0, "unclear"),  # for this claim the raw p counts
        (-6.0, -12.0, 0.2, 1.0, "unclear"),
        (3.0, -1.0, 0.04, 0.3, "not inferior"),
    ],
)
def test_verdict(difference, low, p, p_holm, said):
    paired = {"difference": difference, "ci95": [low, 50.0], "p": p, "p_holm": p_holm}
    assert verdict(paired, 2.0) == said


def test_significantly_worse():
    assert significantly_worse({"difference": -3.0, "p": 0.04})
    assert not significantly_worse({"difference": -3.0, "p": 0.06})
    assert not significantly_worse({"difference": 3.0, "p": 0.04})
    assert not significantly_worse(None)


def test_smoothness_is_paired_with_dense():
    dense = measured("dense", [1] * 4, jerk=100.0, jump=0.02)
    _, sag = rows("t", [dense, measured("sag", [1] * 4, jerk=90.0, jump=None)])
    jerk = sag["smoothness"]["rms_jerk"]
    assert jerk["mean"] == 91.5
    # Each episode has 10 less than dense on its seed: no spread is left.
    assert (jerk["difference"], jerk["difference_ci95"]) == (-10.0, [-10.0, -10.0])
    assert jerk["ci95"][0] < 91.5 < jerk["ci95"][1]
    assert sag["smoothness"]["jump"] == {
        "mean": None,
        "ci95": [None, None],
        "difference": None,
        "difference_ci95": [None, None],
    }


def test_method_without_episodes_has_no_row_and_all_is_json():
    found = rows("t", [measured("dense", []), measured("sag", [0], rms_acceleration=float("nan"))])
    assert [row["method"] for row in found] == ["sag"]
    assert found[0]["seconds"] is None
    json.dumps(found, allow_nan=False)
