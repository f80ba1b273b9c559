from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sag_ros.values import Mask, coordinates

masks = st.builds(Mask, arrays(np.bool_, st.sampled_from([(2, 3), (1, 6)])))


@given(masks, masks)
def test_masks_alike_have_the_same_key(first, second):
    assert (first.key == second.key) == np.array_equal(first.pruned, second.pruned)
    assert hash(first.key) == hash(Mask(first.pruned.copy()).key)


def test_the_source_is_part_of_the_key():
    pruned = np.ones((2, 3), np.bool_)
    keys = {Mask(pruned).key, Mask(pruned, pruned).key, Mask(pruned, ~pruned).key}
    assert len(keys) == 3


def test_coordinates_of_a_place():
    columns = ("zone_x", "bag_x", "zone_y", "bag_from_tcp_x", "bag_y", "held")
    assert coordinates(columns, "bag") == [1, 4]
    assert coordinates(columns, "zone") == [0, 2]
    with pytest.raises(ValueError, match="no place 'held'; there is zone, bag, bag_from_tcp"):
        coordinates(columns, "held")
