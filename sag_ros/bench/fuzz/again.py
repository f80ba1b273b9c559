"""The slowest calls once more, with the machine to themselves."""

from __future__ import annotations

import numpy as np

from sag_ros.bench.fuzz.play import play
from sag_ros.bench.fuzz.tally import Tally, by_size
from sag_ros.robots.arm import Arm

_TIMES = 3  # that a story is played; what stands in the way of a call rarely comes twice


def longest_alone(arm: Arm, tally: Tally, chunks: int) -> dict[str, float]:
    """The longest call by name in the slowest stories of ``tally``, each call the best of a few; ms of CPU.

    Where two stories are played at a time, they share caches and, on many machines, a core; and on a virtual
    one, time that its host takes counts, too. What is left here is what a call takes.
    """
    longest: dict[str, float] = {}
    for seed in sorted({seed for calls in tally.slowest.values() for _, seed in calls}):
        outcomes = [play(arm, seed, chunks)[0] for _ in range(_TIMES)]
        best = np.min([outcome.cpu_ms for outcome in outcomes], axis=0)
        for name, calls in by_size(outcomes[0], best):
            if len(calls):
                longest[name] = max(longest.get(name, 0.0), float(calls.max()))
    return longest
