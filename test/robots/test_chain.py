"""What a chain may look like."""

from __future__ import annotations

import numpy as np
import pytest

from sag_ros.robots.chain import Chain


def test_frames_hold_offsets_and_rolls() -> None:
    chain = Chain(np.arange(6.0).reshape(2, 3), np.array([0.1, 0.2]), np.zeros((1, 3)))
    np.testing.assert_array_equal(chain.frames, [[0.0, 1.0, 2.0, 0.1], [3.0, 4.0, 5.0, 0.2]])


@pytest.mark.parametrize("shapes", [((2, 3), (3,), (1, 3)), ((2, 2), (2,), (1, 3)), ((2, 3), (2,), (0, 3))])
def test_wrong_shapes(shapes: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ValueError, match="tips"):
        Chain(*(np.zeros(shape) for shape in shapes))
