"""Milliseconds of a chunk by the host's clock and by the device's events, of several candidates in turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sag_ros.bench.run.statistics import percentile
from sag_ros.pruning.plan import Plan

TURN = 10  # chunks of one candidate before the next one's


class Timer:
    """The host's clock and, where it has ``events``, the device's."""

    def __init__(self, events: bool) -> None:
        self._events = events

    def now(self) -> float:
        """Seconds of the host."""
        return time.perf_counter()

    def pair(self) -> Any | None:
        """Two events that an engine can record, or None where the device has none."""
        if not self._events:
            return None
        import torch

        return torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)

    def elapsed_ms(self, pair: Any | None) -> float | None:
        """Between the two; None where there are none, or an engine did not record them."""
        try:
            return None if pair is None else float(pair[0].elapsed_time(pair[1]))
        except (RuntimeError, ValueError):
            return None


@dataclass
class Candidate:
    """One thing to time.

    Attributes:
        what: engine with its options, or baseline. variant: how it was made ready.
        engine: has ``denoise``; given ``events``.
        plans: taken in turns.
        facts: go into the row as they are.
    """

    what: str
    precision: str
    mask: str
    plans: Sequence[Plan]
    engine: Any
    variant: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """For messages."""
        return " ".join(filter(None, (self.what, self.variant, self.precision, self.mask)))

    @property
    def density(self) -> float:
        """Share of the blocks that are computed, over all plans."""
        return float(np.mean([1.0 - plan.mask.pruned.mean() for plan in self.plans]))


@dataclass
class Times:
    """ms of the measured chunks of one candidate, by the host's clock and on the device."""

    host: list[float] = field(default_factory=list)
    device: list[float] = field(default_factory=list)


def measure(
    candidates: Sequence[Candidate],
    obs: Any,
    noise: Any,
    chunks: int,
    timer: Timer,
    left: Callable[[], float],
    fence: Callable[[str], AbstractContextManager[None]],
) -> list[Times]:
    """At least ``chunks`` of each, in turns of ``TURN``, so that a change of clock rate hits all alike.

    Each turn begins with an unmeasured chunk, the first one with three. A candidate that raises has no times
    and is not asked again. Ends early, after a round of turns, when no time is left.
    """
    times = [Times() for _ in candidates]
    broken: set[int] = set()
    for turn in range(-(-chunks // TURN)):
        for index, candidate in enumerate(candidates):
            if index in broken:
                continue
            broken.add(index)
            with fence(candidate.label):
                _turn(candidate, times[index], turn, obs, noise, timer, left)
                broken.discard(index)
            if index in broken:
                times[index] = Times()
            if left() <= 0.0:
                return times
    return times


def _turn(
    candidate: Candidate,
    times: Times,
    turn: int,
    obs: Any,
    noise: Any,
    timer: Timer,
    left: Callable[[], float],
) -> None:
    engine, plans = candidate.engine, candidate.plans
    pair = timer.pair()
    engine.events = pair
    try:
        number = turn * TURN
        for _ in range(1 if turn else 3):
            engine.denoise(obs, plans[number % len(plans)], noise)
        for count in range(TURN):
            if left() <= 0.0:
                break
            plan = plans[(number + count) % len(plans)]
            start = timer.now()
            engine.denoise(obs, plan, noise)
            times.host.append(1e3 * (timer.now() - start))
            device = timer.elapsed_ms(pair)
            if device is not None:
                times.device.append(device)
    finally:
        engine.events = None


def row(candidate: Candidate, times: Times) -> dict[str, Any]:
    """JSON-ready; ms of the device are None where it has no events."""
    return {
        "what": candidate.what,
        "variant": candidate.variant,
        "precision": candidate.precision,
        "mask": candidate.mask,
        "density": round(candidate.density, 4),
        **figures("host_ms", times.host),
        **figures("device_ms", times.device),
        "chunks": len(times.host),
        **candidate.facts,
    }


def figures(name: str, values: Sequence[float]) -> dict[str, float | None]:
    """``<name>_p50`` and ``<name>_p99``, None of nothing."""
    return {f"{name}_p{q}": round(percentile(values, q), 4) if len(values) else None for q in (50, 99)}
