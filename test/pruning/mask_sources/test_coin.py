from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sag_ros.pruning.mask_sources.coin import Coin
from sag_ros.pruning.static_masks import random_mask

MASKS = [random_mask(5, 6, 0.4, seed, "block") for seed in range(3)]


@given(st.lists(st.integers(0, 50), min_size=3, max_size=3).filter(any), st.integers(0, 2**31))
def test_masks_are_drawn_as_often_as_is_said_and_the_same_for_the_same(counts, seed) -> None:
    coin = Coin(MASKS, counts, "coin", "block")
    features = np.random.default_rng(seed).normal(size=(600, 2, 4)).astype(np.float32)
    drawn = [coin.mask(one) for one in features]
    assert all(coin.mask(one) is mask for one, mask in zip(features, drawn, strict=True))
    place = {id(mask): number for number, mask in enumerate(MASKS)}
    found = Counter(place[id(mask)] for mask in drawn)
    for number, count in enumerate(counts):
        share = count / sum(counts)
        assert abs(found[number] / 600 - share) < 0.1
        assert share or not found[number]


@pytest.mark.parametrize("counts", [(1, 1), (0, 0, 0), (1, 1, -1)])
def test_impossible_counts_are_refused(counts) -> None:
    with pytest.raises(ValueError, match="3 masks cannot be drawn"):
        Coin(MASKS, counts, "coin", "block")
