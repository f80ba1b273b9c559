"""Pictures of messages."""

from __future__ import annotations

import array

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image

from sag_ros.messages.errors import MessageError
from sag_ros.messages.images import declared_size, to_rgb

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (6, 5, 3), dtype=np.uint8)


def image(pixels: np.ndarray, encoding: str, padding: int = 0) -> Image:
    rows = pixels.reshape(len(pixels), -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
    return Image(
        height=pixels.shape[0],
        width=pixels.shape[1],
        encoding=encoding,
        step=rows.shape[1],
        data=array.array("B", rows.tobytes()),
    )


@pytest.mark.parametrize("padding", [0, 3])
@pytest.mark.parametrize(
    ("encoding", "pixels"),
    [
        ("rgb8", RGB),
        ("bgr8", RGB[..., ::-1]),
        ("8UC3", RGB[..., ::-1]),
        ("rgba8", np.dstack([RGB, RGB[..., :1]])),
        ("bgra8", np.dstack([RGB[..., ::-1], RGB[..., :1]])),
    ],
)
def test_colour_encodings_give_the_same_rgb(encoding, pixels, padding):
    out = to_rgb(image(np.ascontiguousarray(pixels), encoding, padding), 6, 5)
    assert out.shape == (6, 5, 3)
    assert out.dtype == np.uint8
    assert out.flags.c_contiguous
    np.testing.assert_array_equal(out, RGB)


@pytest.mark.parametrize("padding", [0, 7])
def test_mono_becomes_grey(padding):
    out = to_rgb(image(RGB[..., 0], "mono8", padding), 6, 5)
    np.testing.assert_array_equal(out, np.repeat(RGB[..., :1], 3, axis=2))


def test_last_row_without_padding_is_accepted():
    message = image(RGB, "rgb8", 4)
    message.data = message.data[:-4]
    np.testing.assert_array_equal(to_rgb(message, 6, 5), RGB)


def test_other_size_is_area_averaged():
    small = RNG.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    large = small.repeat(10, axis=0).repeat(10, axis=1)
    np.testing.assert_array_equal(to_rgb(image(large, "rgb8"), 4, 4), small)
    assert to_rgb(image(small, "bgr8"), 84, 84).shape == (84, 84, 3)


def test_jpeg_keeps_channel_order_and_is_resized():
    rgb = np.zeros((64, 48, 3), np.uint8)
    rgb[..., 0], rgb[..., 2] = 200, 40
    data = cv2.imencode(".jpg", rgb[..., ::-1])[1]
    out = to_rgb(CompressedImage(format="jpeg", data=array.array("B", data.tobytes())), 16, 12)
    assert out.shape == (16, 12, 3)
    assert np.abs(out.astype(int) - [200, 0, 40]).max() < 8


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"encoding": "32FC1"}, "32FC1.*rgb8.*uyvy"),
        ({"encoding": "yuyv"}, "5x6: yuyv needs even"),
        ({"height": 100_000, "width": 100_000}, "larger than"),
        ({"step": 3}, "step 3"),
        ({"data": array.array("B", bytes(10))}, "10 bytes"),
        ({"height": 0}, "no pixels"),
    ],
)
def test_unusable_images_say_why(change, text):
    message = image(RGB, "rgb8")
    for name, value in change.items():
        setattr(message, name, value)
    with pytest.raises(MessageError, match=text):
        to_rgb(message, 6, 5)


@pytest.mark.parametrize("data", [b"", b"not a jpeg", cv2.imencode(".jpg", RGB)[1].tobytes()[:40]])
def test_broken_jpeg_says_why(data):
    with pytest.raises(MessageError, match="cannot be decoded"):
        to_rgb(CompressedImage(format="jpeg", data=array.array("B", data)), 6, 5)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_an_image_that_claims_to_be_huge_is_not_decoded(suffix, monkeypatch):
    data = bytearray(cv2.imencode(suffix, RGB)[1].tobytes())
    assert declared_size(bytes(data)) == (5, 6)
    if suffix == ".png":
        data[16:24] = (60_000).to_bytes(4, "big") * 2
    else:
        frame = data.index(b"\xff\xc0")
        data[frame + 5 : frame + 9] = (60_000).to_bytes(2, "big") * 2
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    with pytest.raises(MessageError, match="60000x60000"):
        to_rgb(CompressedImage(format="x", data=array.array("B", bytes(data))), 6, 5)


@pytest.mark.parametrize(
    "head", [b"", b"\xff\xd8", b"\xff\xd8\xff\xff\xff", b"\x89PNG\r\n\x1a\n", b"BM" * 20]
)
def test_where_no_size_is_stated_none_is_found(head):
    assert declared_size(head) is None
