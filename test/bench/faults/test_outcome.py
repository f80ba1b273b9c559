"""What is measured of a fault, and when it counts as otherwise than expected."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sag_ros.bench.faults.outcome import Expected, GoesOn, Outcome, commanded, measure
from sag_ros.bench.faults.picture import draw
from sag_ros.control.motion import Motion, of_command
from sag_ros.values import JointCommand


def stopping(begin: float, end: float, speed: float = 0.4) -> Motion:
    """One joint at a constant speed until ``begin``, then to rest at ``end``, s."""
    times = np.array([0.0, begin, end])
    way = speed * begin
    position = np.array([[0.0], [way], [way + 0.5 * speed * (end - begin)]])
    velocity = np.array([[speed], [speed], [0.0]])
    return of_command(JointCommand(times, position, velocity, np.zeros((3, 1))))


def outcome(**changes: object) -> Outcome:
    return replace(Outcome("a", "b", Expected(GoesOn.ITSELF, "dead")), **changes)


def test_rest_is_when_the_command_is_still() -> None:
    found = outcome()
    measure(found, [(0.0, stopping(1.5, 1.9))], 1.4, 3.0)
    assert found.rest == pytest.approx(0.5, abs=0.04)
    assert found.speed == pytest.approx(0.4, rel=0.01)
    assert 1.0 < found.acceleration < 4.0
    assert len(found.path) > 100
    moving = outcome()
    measure(moving, [(0.0, stopping(5.0, 6.0))], 1.4, 3.0)
    assert np.isnan(moving.rest)
    measure(outcome(), [], 1.4, 3.0)  # nothing was commanded at all


def test_each_command_counts_from_when_it_took_over() -> None:
    slow, fast = stopping(5.0, 6.0, 0.1), stopping(5.0, 6.0, 1.0)
    q = commanded([(0.0, slow), (2.0, fast)], 1.9, 2.1)[:, 0]
    np.testing.assert_allclose(q[:99], 0.1 * (1.9 + 1e-3 * np.arange(99)), atol=1e-9)
    np.testing.assert_allclose(q[101:], 1.9 + 1e-3 * np.arange(101, len(q)), atol=1e-9)


def test_what_is_as_expected_is_not_wrong() -> None:
    good = outcome(rest=0.4, said=[(0.1, "camera front is dead")], goes_on=GoesOn.ITSELF)
    assert good.wrong() == []
    ran = replace(good, expected=Expected(GoesOn.ALWAYS), rest=np.nan, goes_on=GoesOn.ALWAYS)
    assert ran.wrong() == []
    may = replace(good, expected=Expected(GoesOn.ALWAYS, or_itself=True))
    assert may.wrong() == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rest": np.nan}, "at rest after nan"),
        ({"rest": 2.0}, "at rest after 2.00 s, expected 1.3"),
        ({"said": [(0.1, "all is well")]}, "nothing said matches 'dead'"),
        ({"goes_on": GoesOn.NEVER}, "goes on not, expected by itself"),
        ({"violations": 2}, "2 limit violations"),
        ({"old": 1}, "from before the stop"),
        ({"expected": Expected(GoesOn.ALWAYS)}, "it stopped after 0.40 s"),
    ],
)
def test_what_is_otherwise_is_said(changes: dict[str, object], said: str) -> None:
    base = {"rest": 0.4, "said": [(0.1, "dead")], "goes_on": GoesOn.ITSELF}
    assert any(said in text for text in outcome(**(base | changes)).wrong())


def test_the_picture(tmp_path: Path) -> None:
    found = outcome(rest=0.4, path=np.random.default_rng(0).normal(size=(50, 8)))
    draw(tmp_path / "faults.png", [found, outcome()] * 4, "some CPU")
    assert (tmp_path / "faults.png").stat().st_size > 10_000
