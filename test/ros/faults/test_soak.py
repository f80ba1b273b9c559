"""Which faults come in a soak, and in what order."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from sensor_msgs.msg import Image

from sag_ros.bench.faults.soak_record import WITHOUT_RESTART
from sag_ros.ros.faults.soak import LONG, Order, eligible


def test_only_what_needs_no_restart_comes() -> None:
    rows = eligible()
    assert len(rows) >= 45
    assert all(row.expected.goes_on in WITHOUT_RESTART for row in rows)
    assert not {row.name for row in rows} & {*LONG, "policy-killed", "deactivated"}


def test_each_comes_before_any_comes_again() -> None:
    rows = eligible()
    order = Order(eligible, seed=3)
    first = [order.next().name for _ in rows]
    second = [order.next().name for _ in rows]
    assert sorted(first) == sorted(second) == sorted(row.name for row in rows)
    assert first != second
    again = Order(eligible, seed=3)
    assert [again.next().name for _ in rows] == first


def test_a_fault_that_comes_again_is_as_new() -> None:
    order = Order(lambda: [row for row in eligible() if row.name == "camera-future-single"], seed=0)
    stamps = []
    for _ in range(2):
        stage = Mock()
        order.next().begin(stage)
        (_, spoiler), _ = stage.relay.spoil.call_args
        for _ in range(2):
            ((_, sent),) = spoiler(Image())
            stamps.append(sent.header.stamp.sec)
    assert stamps == [3600, 0, 3600, 0]


def test_some_alone() -> None:
    assert [row.name for row in eligible(("camera-dead", "network-gone"))] == ["camera-dead", "network-gone"]
    with pytest.raises(ValueError, match="'cycled' cannot come in a soak; available: camera-dead"):
        eligible(("cycled",))
