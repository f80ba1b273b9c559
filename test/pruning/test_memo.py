from __future__ import annotations

from sag_ros.pruning.memo import Memo


def test_the_oldest_goes_first():
    made = []

    def make(number):
        made.append(number)
        return [number]

    memo = Memo(make, lambda number: number % 10, most=2)
    first = memo(1)
    assert memo(11) is first  # the same key
    memo(2)
    assert memo(1) is first
    memo(3)  # 1 goes
    assert made == [1, 2, 3]
    assert memo(1) == [1]
    assert made == [1, 2, 3, 1]


def test_arguments_live_as_long_as_what_was_made_of_them():
    memo = Memo(lambda given: given[0], id, most=3)
    assert [memo([number]) for number in range(50)] == list(range(50))
