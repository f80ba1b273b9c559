"""A hand that does not do what it is told is named, one that does is not."""

from __future__ import annotations

from sag_ros.control.watch.hand import PATIENCE, HandWatch


def test_a_hand_that_moves_is_well() -> None:
    watch = HandWatch()
    assert watch.look(0.0, 0.08) == ""
    watch.tell(1.0, 0.0, 0.08)
    assert watch.look(1.2, 0.077) == ""
    assert watch.look(1.0 + 2 * PATIENCE, 0.04) == ""  # stands on what it holds
    watch.tell(9.0, 0.08, 0.04)
    assert watch.look(9.5, 0.06) == ""
    assert watch.look(99.0, 0.06) == ""


def test_a_hand_that_stays_is_named_with_what_it_was_told() -> None:
    watch = HandWatch()
    watch.tell(1.0, 0.0, 0.08)
    assert watch.look(1.0 + PATIENCE, 0.0795) == ""
    watch.tell(2.4, 0.001, 0.08)  # told again
    found = watch.look(1.1 + PATIENCE, 0.0795)
    assert found == "the hand was told to close to 0.001 m 1.6 s ago and is still 0.080 m open"
    assert watch.look(4.0, 0.05) == ""  # at last


def test_another_goal_begins_anew() -> None:
    watch = HandWatch()
    watch.tell(0.0, 0.0, 0.04)
    watch.tell(5.0, 0.08, 0.04)
    assert watch.look(6.0, 0.04) == ""
    assert watch.look(7.0, 0.04).startswith("the hand was told to open to 0.080 m")
    watch.tell(8.0, 0.041, 0.04)  # where it is
    assert watch.look(20.0, 0.04) == ""
