from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sag_ros.bench.run.paired import bootstrap_mean, holm, mcnemar, tango


@pytest.mark.parametrize(
    ("first", "second", "p"),
    [
        (0, 0, 1.0),
        (0, 1, 1.0),
        (1, 5, 2 * 7 / 64),  # by hand: 2 (C(6,0) + C(6,1)) / 2^6
        (6, 0, 2 / 64),
        (3, 3, 1.0),  # twice the tail would exceed 1
        (1, 7, 0.0703125),  # Fagerland, Lydersen and Laake 2013, airway data
        (59, 121, 4.434449e-06),  # the example of statsmodels' mcnemar(exact=True)
    ],
)
def test_mcnemar_known_values(first, second, p):
    assert mcnemar(first, second) == pytest.approx(p, rel=1e-6)
    assert mcnemar(second, first) == mcnemar(first, second)


def test_mcnemar_with_thousands_of_pairs():
    assert mcnemar(1000, 1200) == pytest.approx(2.15e-5, rel=0.1)  # normal approximation: 2.0e-5


def test_mcnemar_refuses():
    with pytest.raises(ValueError, match="-1 and 2"):
        mcnemar(-1, 2)


def score(first, second, pairs, delta):
    """Tango's statistic, its nuisance parameter by brute force instead of by formula."""
    # Shares: only the second q, only the first q + delta, concordant the rest.
    q = np.linspace(max(0.0, -delta), (1.0 - delta) / 2.0, 200_001)[1:-1]
    likelihood = (pairs - first - second) * np.log1p(-(2 * q + delta))
    likelihood += first * np.log(q + delta) if first else 0.0
    likelihood += second * np.log(q) if second else 0.0
    best = q[np.argmax(likelihood)]
    return (first - second - pairs * delta) / math.sqrt(pairs * (2 * best + delta * (1 - delta)))


@pytest.mark.parametrize(
    ("first", "second", "pairs"), [(1, 7, 21), (40, 20, 160), (12, 2, 50), (4, 3, 200), (0, 9, 100)]
)
def test_tango_bounds_are_where_the_score_is_1_96(first, second, pairs):
    low, high = tango(first, second, pairs)
    assert score(first, second, pairs, low) == pytest.approx(1.959964, abs=2e-3)
    assert score(first, second, pairs, high) == pytest.approx(-1.959964, abs=2e-3)


def test_tango_published_value():
    # Fagerland, Lydersen and Laake 2014, Statistics in Medicine 33:2850, airway data.
    assert tango(1, 7, 21) == pytest.approx((-0.517, -0.026), abs=5e-4)


def test_tango_without_discordant_pairs():
    # Then the bound solves n d = z^2 (1 - d): z^2 / (n + z^2).
    low, high = tango(0, 0, 200)
    assert high == pytest.approx(1.959964**2 / (200 + 1.959964**2), abs=1e-6)
    assert low == pytest.approx(-high)


def test_tango_when_all_pairs_differ():
    low, high = tango(5, 0, 5)
    assert 0.0 < low < high == 1.0


def test_tango_knows_nothing_without_pairs():
    assert tango(0, 0, 0) == (-1.0, 1.0)


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.integers(0, n), st.just(n))))
def test_tango_contains_the_difference_and_mirrors(case):
    first, second, pairs = case
    if first + second > pairs:
        with pytest.raises(ValueError, match="do not fit"):
            tango(first, second, pairs)
        return
    low, high = tango(first, second, pairs)
    assert -1.0 <= low <= (first - second) / pairs <= high <= 1.0
    assert low < high
    assert tango(second, first, pairs) == pytest.approx((-high, -low), abs=1e-9)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.02]) == pytest.approx([0.04, 0.06, 0.06, 0.06])
    assert holm([0.5, 0.001, 0.6]) == pytest.approx([1.0, 0.003, 1.0])
    assert holm([]) == []


@given(st.lists(st.floats(0.0, 1.0), max_size=12))
def test_holm_is_no_smaller_and_keeps_the_order(values):
    corrected = holm(values)
    assert all(raw <= own <= 1.0 for raw, own in zip(values, corrected, strict=True))
    for a, b in zip(values, corrected, strict=True):
        assert all(b <= d for c, d in zip(values, corrected, strict=True) if a < c)


def test_bootstrap_agrees_with_the_normal_interval():
    values = np.random.default_rng(3).normal(5.0, 2.0, 400)
    low, high = bootstrap_mean(values)
    half = 1.96 * values.std(ddof=1) / 20.0
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.03)
    assert bootstrap_mean(values) == (low, high)


def test_bootstrap_of_little():
    assert bootstrap_mean([2.0]) == (2.0, 2.0)
    assert all(math.isnan(bound) for bound in bootstrap_mean([]))
