from __future__ import annotations

from sag_ros.pruning.memo import Lately


def test_the_oldest_goes_first():
    made = []

    def make(number):
        made.append(number)
        return [number]

    lately = Lately(make, lambda number: number % 10, most=2)
    first = lately(1)
    assert lately(11) is first  # the same key
    lately(2)
    assert lately(1) is first
    lately(3)  # 1 goes
    assert made == [1, 2, 3]
    assert lately(1) == [1]
    assert made == [1, 2, 3, 1]


def test_arguments_live_as_long_as_what_was_made_of_them():
    lately = Lately(lambda given: given[0], id, most=3)
    assert [lately([number]) for number in range(50)] == list(range(50))
