"""Which faults come in a soak, and in what order."""

from __future__ import annotations

from sag_ros.bench.faults.soak_record import WITHOUT_RESTART
from sag_ros.ros.faults.soak import LONG, Order, eligible


def test_only_what_needs_no_restart_comes() -> None:
    rows = eligible()
    assert len(rows) >= 45
    assert all(row.expected.goes_on in WITHOUT_RESTART for row in rows)
    assert not {row.name for row in rows} & {*LONG, "policy-killed", "deactivated"}


def test_each_comes_before_any_comes_again() -> None:
    rows = eligible()
    order = Order(rows, seed=3)
    first = [order.next().name for _ in rows]
    second = [order.next().name for _ in rows]
    assert sorted(first) == sorted(second) == sorted(row.name for row in rows)
    assert first != second
    again = Order(rows, seed=3)
    assert [again.next().name for _ in rows] == first
