from __future__ import annotations

import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import Image

from sag_ros.messages.images import image_to_rgb
from sag_ros.ros.flight.frames import FrameKeeper, peek
from sag_ros.ros.images import rgb_to_image

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("frame", ["", "a", "camera_link", "camera_optical_link"])
def test_size_and_encoding_at_a_glance(frame):
    message = rgb_to_image(RNG.integers(0, 255, (12, 20, 3), np.uint8))
    message.header.frame_id = frame
    assert peek(serialize_message(message)) == (12, 20, "rgb8")


def test_what_is_too_short_to_say():
    assert peek(b"") is None
    assert peek(serialize_message(Image())[:14]) is None


def test_a_picture_of_the_right_size_is_not_touched():
    data = serialize_message(rgb_to_image(RNG.integers(0, 255, (12, 20, 3), np.uint8)))
    assert FrameKeeper(12, 20)(data) is data


@pytest.mark.parametrize("encoding", ["rgb8", "bgr8"])
def test_another_one_becomes_what_the_policy_sees(encoding):
    message = rgb_to_image(RNG.integers(0, 255, (48, 64, 3), np.uint8))
    message.encoding = encoding
    message.header.frame_id = "front"
    message.header.stamp.sec = 7
    kept = deserialize_message(FrameKeeper(12, 16)(serialize_message(message)), Image)
    assert (kept.encoding, kept.header.frame_id, kept.header.stamp.sec) == ("rgb8", "front", 7)
    np.testing.assert_array_equal(image_to_rgb(kept, 12, 16), image_to_rgb(message, 12, 16))


def test_one_that_cannot_be_used_stays_as_it_came():
    data = serialize_message(Image(height=2, width=2, encoding="32FC1"))
    assert FrameKeeper(12, 16)(data) is data
