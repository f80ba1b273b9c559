"""One of several runners is chosen."""

from __future__ import annotations

import pytest

from sag_ros.engines.ladder import Ladder, Rung


class Runner:
    """Says its name."""

    def __init__(self, name: str) -> None:
        self.name, self.seeds = name, []

    def encode(self, camera, image):
        return self.name, camera

    def features(self, frames, states):
        return self.name

    def infer(self, stamp, features, encode_ms=0.0, observed=None):
        return self.name, stamp, features, encode_ms, observed

    def reset(self, seed):
        self.seeds.append(seed)


def test_the_chosen_one_infers_and_the_first_one_sees() -> None:
    runners = [Runner("dear"), Runner("cheap")]
    ladder = Ladder([Rung(runner.name, runner, 1.0) for runner in runners])
    assert ladder.infer(1.0, "f", 2.0) == ("dear", 1.0, "f", 2.0, None)
    ladder.choose(1)
    assert ladder.chosen.name == "cheap"
    assert ladder.infer(1.0, "f", observed="q") == ("cheap", 1.0, "f", 0.0, "q")
    assert ladder.encode("front", None) == ("dear", "front")
    assert ladder.features([], []) == "dear"
    ladder.reset(7)
    assert ladder.chosen.name == "dear"
    assert [runner.seeds for runner in runners] == [[7], [7]]


def test_without_a_rung_there_is_no_ladder() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Ladder([])
