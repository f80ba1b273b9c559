from __future__ import annotations

import numpy as np
import pytest

from sag_ros.messages.images import to_rgb
from sag_ros.ros.images import image_to_mask, mask_to_image, rgb_to_image
from sag_ros.values import Mask

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (6, 5, 3), dtype=np.uint8)


def test_rgb_round_trip():
    np.testing.assert_array_equal(to_rgb(rgb_to_image(RGB), 6, 5), RGB)


def test_mask_round_trip_and_colours():
    mask = Mask(RNG.random((10, 24)) < 0.9)
    message = mask_to_image(mask)
    assert (message.height, message.width, message.encoding, message.step) == (10, 24, "mono8", 24)
    pixels = np.frombuffer(message.data, np.uint8).reshape(10, 24)
    assert set(np.unique(pixels)) == {0, 255}
    assert (pixels == 255).mean() == pytest.approx(mask.density)
    np.testing.assert_array_equal(image_to_mask(message).pruned, mask.pruned)
