"""What becomes of messages."""

from __future__ import annotations

import array

import numpy as np
import pytest
from sensor_msgs.msg import Image, JointState

from sag_ros.ros.faults import spoilers


def image(value: int, seconds: int = 5) -> Image:
    message = Image(height=2, width=2, encoding="rgb8", step=6, data=array.array("B", [value] * 12))
    message.header.stamp.sec = seconds
    return message


def joints() -> JointState:
    return JointState(name=["a", "b"], position=array.array("d", [0.1, 0.2]))


def sent(spoiler, *messages):
    return [(delay, one) for message in messages for delay, one in spoiler(message)]


def test_fewer_later_and_in_another_order() -> None:
    assert sent(spoilers.silent, image(1)) == []
    assert [delay for delay, _ in sent(spoilers.late(0.3), image(1))] == [0.3]
    assert len(sent(spoilers.every(4), *[image(1)] * 9)) == 2
    order = [one.header.stamp.sec for _, one in sent(spoilers.swapped(), *(image(1, k) for k in range(5)))]
    assert order == [1, 0, 3, 2]


def test_stamps() -> None:
    ((_, one),) = sent(spoilers.stamped(-1.5), image(1))
    assert (one.header.stamp.sec, one.header.stamp.nanosec) == (3, 500_000_000)
    some = sent(spoilers.stamped(10.0, every=2), image(1), image(1), image(1))
    assert [one.header.stamp.sec for _, one in some] == [15, 5, 15]
    ((_, zero),) = sent(spoilers.unstamped, image(1))
    assert zero.header.stamp.sec == zero.header.stamp.nanosec == 0


def test_content() -> None:
    again = sent(spoilers.stuck(), image(1, 5), image(2, 6))
    assert [(one.data[0], one.header.stamp.sec) for _, one in again] == [(1, 5), (1, 6)]
    ((_, dark),) = sent(spoilers.pixels(lambda x: x // 2), image(9))
    assert set(dark.data) == {4}
    ((_, other),) = sent(spoilers.set_fields(encoding="32FC1"), image(9))
    assert other.encoding == "32FC1"
    ((_, moved),) = sent(spoilers.position(1, 0.5, add=True), joints())
    assert moved.position[1] == pytest.approx(0.7)
    ((_, broken),) = sent(spoilers.position(0, np.nan), joints())
    assert np.isnan(broken.position[0])
    ((_, renamed),) = sent(spoilers.without("b"), joints())
    assert renamed.name == ["a", "other_b"]
