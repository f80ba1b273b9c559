from __future__ import annotations

import array

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image

from sag_ros.messages.errors import MessageError
from sag_ros.ros.images import mask_to_image, rgb_to_image
from sag_ros.ros.view.pictures import Slot, to_bits, to_jpeg
from sag_ros.values import Mask


def picture(height, width):
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([255 * x / width, 255 * y / height, 0 * x], -1).astype(np.uint8)


@pytest.mark.parametrize(
    ("size", "expected"), [((84, 84), (84, 84)), ((480, 640), (240, 320)), ((10, 900), (4, 320))]
)
def test_pictures_keep_their_shape_and_colours_and_are_not_enlarged(size, expected):
    data = to_jpeg(rgb_to_image(picture(*size)), 320, 90)
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
    assert found.shape[:2] == expected
    assert np.abs(found.astype(int) - picture(*expected)).mean() < 12


def test_a_small_jpeg_is_handed_on_and_a_large_one_made_smaller():
    def message(height, width):
        return CompressedImage(
            format="jpeg", data=array.array("B", cv2.imencode(".jpg", picture(height, width))[1].tobytes())
        )

    small, large = message(84, 84), message(480, 640)
    assert to_jpeg(small, 320, 75) == bytes(small.data)
    found = cv2.imdecode(np.frombuffer(to_jpeg(large, 320, 75), np.uint8), cv2.IMREAD_COLOR)
    assert found.shape == (240, 320, 3)


def test_a_mask_is_packed_row_by_row():
    pruned = np.random.default_rng(0).random((5, 9)) > 0.5
    data, shape = to_bits(mask_to_image(Mask(pruned)))
    assert shape == [5, 9]
    np.testing.assert_array_equal(np.unpackbits(np.frombuffer(data, np.uint8))[:45].reshape(5, 9), ~pruned)
    with pytest.raises(MessageError):
        to_bits(rgb_to_image(picture(4, 4)))


def test_a_slot_shows_the_newest_and_says_what_is_wrong_with_it():
    slot = Slot(lambda message: (to_jpeg(message, 320, 75), None))
    assert slot.take(1.0, []) is None
    assert slot.heard is None
    assert slot.take(2.0, [Image(), rgb_to_image(picture(4, 4))]) is not None
    assert (slot.heard, slot.problem) == (2.0, "")
    assert slot.take(3.0, [Image(encoding="wrong", height=1, width=1)]) is None
    assert (slot.heard, "wrong" in slot.problem) == (3.0, True)
