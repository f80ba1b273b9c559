from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sag_ros.flight.ring import OVERHEAD, SECOND, Heard, Ring


def heard(second: float, topic: str = "a", size: int = 10) -> Heard:
    return Heard(round(second * SECOND), 0, topic, bytes(size))


def test_it_keeps_the_last_seconds():
    ring = Ring(2.0, 10_000)
    for second in range(6):
        ring.append(heard(second))
    assert [message.received // SECOND for message in ring.snapshot()] == [3, 4, 5]
    assert ring.filling().seconds == 2.0
    assert ring.count == 6


@given(st.lists(st.integers(0, 900), max_size=60), st.integers(OVERHEAD, 4000))
def test_it_never_takes_more_than_it_may_and_keeps_what_fits(sizes, capacity):
    ring = Ring(1e6, capacity)
    for number, size in enumerate(sizes):
        ring.append(heard(number, size=size))
        held = ring.snapshot()
        assert ring.filling().size == sum(len(one.data) + OVERHEAD for one in held) <= capacity
    fitting = [size for size in sizes if size + OVERHEAD <= capacity]
    kept = [len(one.data) for one in ring.snapshot()]
    assert kept == fitting[len(fitting) - len(kept) :]
    if len(kept) < len(fitting):  # one more would not have fitted
        assert sum(kept) + fitting[-len(kept) - 1] + OVERHEAD * (len(kept) + 1) > capacity


def test_a_pinned_topic_is_there_even_if_it_was_told_long_ago():
    ring = Ring(2.0, 10_000, frozenset({"policy"}))
    ring.append(heard(0, "policy"))
    ring.append(heard(1, "policy", 11))
    assert [one.topic for one in ring.snapshot()] == ["policy", "policy"]
    for second in range(2, 8):
        ring.append(heard(second))
    found = ring.snapshot()
    assert [one.topic for one in found] == ["policy", "a", "a", "a"]
    assert len(found[0].data) == 11
    assert found[0].received == found[1].received


def test_a_stream_gets_every_message_once_and_learns_what_it_missed():
    ring = Ring(2.0, 10_000)
    ring.append(heard(0))
    ring.append(heard(1))
    found, lost = ring.since(0)
    assert (len(found), lost) == (2, 0)
    assert ring.since(2) == ([], 0)
    for second in range(2, 9):
        ring.append(heard(second))
    found, lost = ring.since(2)
    assert ([one.received // SECOND for one in found], lost) == ([6, 7, 8], 4)


def test_a_ring_that_keeps_nothing_is_refused():
    with pytest.raises(ValueError, match="some seconds"):
        Ring(0.0, 100)
    with pytest.raises(ValueError, match="in 0 bytes"):
        Ring(1.0, 0)
