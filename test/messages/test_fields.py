"""Numbers by their path, of messages as rosbags decodes them; those of rclpy: test/ros/policy/signals."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from sag_ros.messages.errors import MessageError
from sag_ros.messages.fields import FieldPaths, field_names


@dataclass
class Point:
    x: float = 1.0
    y: float = 2.0
    __msgtype__: str = "a/msg/Point"


@dataclass
class Message:
    place: Point = field(default_factory=Point)
    data: np.ndarray = field(default_factory=lambda: np.arange(4, dtype=np.float32))
    flag: bool = True
    text: str = "a"


def test_of_dataclasses():
    assert field_names(Message()) == ["place", "data", "flag", "text"]
    assert field_names(3.0) == []
    paths = FieldPaths("a/msg/B", ["data[2]", "place", "data[0:2]", "flag"])
    paths.check(Message())
    assert paths.numbers(Message()) == [2.0, 1.0, 2.0, 0.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("place.z", "a/msg/B has no z; it has x, y"),
        ("data[7]", r"data has 4 numbers; data\[7\] is wanted"),
        ("text", "'a' is no number"),
    ],
)
def test_what_is_not_there(path, said):
    with pytest.raises(MessageError, match=said):
        FieldPaths("a/msg/B", [path]).numbers(Message())
