"""What is said first, since when, and what is remembered."""

from __future__ import annotations

from sag_ros.control.watch.causes import Cause, Causes, Rank

DEAD = Cause(Rank.ABSENT, "camera front", "nobody publishes /front", "start its driver")
STALE = Cause(Rank.STALE, "camera front", "camera front is 0.3 s old")
LATE = Cause(Rank.LATE, "chunk", "chunks are late")


def test_the_likeliest_comes_first_with_its_age_and_remedy() -> None:
    causes = Causes()
    assert causes.top(0.0) == ""
    causes.update(1.0, [LATE, STALE])
    causes.update(2.0, [LATE, STALE, DEAD])
    assert causes.top(2.5) == "nobody publishes /front (since 0.5 s); start its driver"
    assert [cause for _, cause in causes.ranked] == [DEAD, STALE, LATE]


def test_a_cause_keeps_its_beginning_and_takes_its_newest_words() -> None:
    causes = Causes()
    causes.update(1.0, [STALE])
    causes.update(2.0, [Cause(Rank.STALE, "camera front", "camera front is 1.3 s old")])
    assert causes.top(3.0) == "camera front is 1.3 s old (since 2.0 s)"


def test_the_history_tells_beginning_and_end_and_what_lasted_no_time() -> None:
    causes = Causes()
    causes.update(1.0, [DEAD])
    causes.update(3.0, [])
    causes.note(4.0, "the clock was set by +1.000 s")
    assert causes.history(5.0) == [
        "1.0 s ago: the clock was set by +1.000 s",
        "2.0 s ago: over after 2.0 s: nobody publishes /front",
        "4.0 s ago: nobody publishes /front",
    ]
    for k in range(100):
        causes.note(float(k), "again")
    assert len(causes.history(100.0)) == 12
