from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sag_ros.train.schedules.thin import thin

SHAPE = (4, 6)


@given(st.integers(0, 2**31), st.floats(0.3, 1.0), st.sampled_from([3, 6]))
def test_what_is_needed_least_goes_first(seed: int, density: float, forced: int) -> None:
    rng = np.random.default_rng(seed)
    worth, start = rng.random(SHAPE), rng.random(SHAPE) < 0.3
    found = thin(start, density, forced, lambda pruned: float(worth[pruned].sum()))
    assert (~found).sum() <= density * found.size + 1e-9
    assert not found[0, :forced].any()
    free = np.ones(SHAPE, bool)
    free[0, :forced] = False
    taken, kept = found & ~start & free, ~found & free
    assert not (~found & start & free).any()  # nothing is computed that was not
    if taken.any() and kept.any():
        assert worth[taken].max() <= worth[kept].min()


def test_the_start_is_left_alone() -> None:
    start = np.zeros(SHAPE, bool)
    thin(start, 0.5, 3, lambda pruned: float(pruned.sum()))
    assert not start.any()


def test_less_than_what_is_forced_is_refused() -> None:
    with pytest.raises(ValueError, match=r"density of 0\.1 is 2\.4 blocks of 24; 6 are computed"):
        thin(np.zeros(SHAPE, bool), 0.1, 6, lambda pruned: 0.0)
