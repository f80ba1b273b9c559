"""Who thinks a story up while it is played: every chunk goes on from where the arm is about to be."""

from __future__ import annotations

import numpy as np

from sag_ros.bench.fuzz.kinds import KINDS, Situation
from sag_ros.bench.fuzz.story import Event, Story
from sag_ros.robots.arm import Arm
from sag_ros.values import Float

_NEAR = 0.02  # rad, from a position bound
_LEADS, _SMOOTHINGS = (0.0, 0.005, 0.02, 0.07), (0.0, 0.1, 0.3, 3.0)
_STEPS, _FACTORS, _MARGINS = (0.002, 0.004, 0.02, 0.05), (0.1, 0.5, 1.0), (0.0, 0.001, 0.02)
_PERIODS = (0.01, 0.02, 0.033, 0.05, 0.1, 0.3)
_LENGTHS = (1, 2, 3, 8, 16, 64)
_GAPS, _GAP_SHARES = (0.002, 0.01, 0.02, 0.05, 0.2, 0.7), (0.03, 0.1, 0.57, 0.2, 0.07, 0.03)
_OLDEST = 0.06  # s, an ordinary observation
_UNUSUAL = 0.25  # how likely settings are that hardly anybody has
_LONG, _AHEAD = 0.85, 0.3  # how likely, s
_CHANGE, _HALT, _LOST = 0.3, 0.06, 0.1  # how likely a new kind, a halt, and being lost are
_HALTS = {"hold": 0.4, "restart": 0.25, "pause": 0.25, "take": 0.1}
_OPERATES = 0.9  # how likely an operator does something next while nothing moves the arm
_ASKS = {"resume": 0.35, "home": 0.15, "pause": 0.1, "take": 0.08, "move": 0.12, "give back": 0.2}
_WAITS, _WAIT_SHARES = (0.004, 0.05, 0.3, 1.0, 4.0), (0.2, 0.25, 0.3, 0.2, 0.05)  # s, for an operator


class Author:
    """Draws the events of a story of ``chunks`` chunks from ``seed``, one at a time."""

    def __init__(self, arm: Arm, seed: int, chunks: int = 25) -> None:
        rng = self._rng = np.random.default_rng(seed)
        self._arm, self._seed, self._left = arm, seed, chunks
        self._events: list[Event] = []
        self._kind, self._halting, self._operating = "", False, False
        self._splice = {"lead": float(rng.choice(_LEADS)), "smoothing": float(rng.choice(_SMOOTHINGS))}
        if rng.random() < _UNUSUAL:
            self._splice["step"] = float(rng.choice(_STEPS))
        self._limits: dict[str, float] = {}
        if rng.random() < _UNUSUAL:
            self._limits = {
                "limit_factor": float(rng.choice(_FACTORS)),
                "position_margin": float(rng.choice(_MARGINS)),
            }
        self._start = self._place()
        period, count = float(rng.choice(_PERIODS)), int(rng.choice(_LENGTHS))
        if rng.random() < _LONG:  # most policies look far enough ahead for their chunk not to be over
            count = max(count, int(np.ceil(_AHEAD / period)))
        self._situation = Situation(arm, rng, self._start, period, count)
        self._kinds = list(KINDS)
        weights = np.array([kind.weight for kind in KINDS.values()])
        self._shares = weights / weights.sum()

    def _place(self) -> Float:
        """Anywhere between the bounds, often close to some of them."""
        rng, limits = self._rng, self._arm.limits
        place = rng.random(self._arm.dof)
        start = limits.lower + place * (limits.upper - limits.lower)
        if rng.random() < 0.3:
            start = np.array(self._arm.home)
        close = rng.random(self._arm.dof) < rng.choice([0.0, 0.2, 0.6])
        inward = rng.random(self._arm.dof) * _NEAR
        near: Float = np.where(place < 0.5, limits.lower + inward, limits.upper - inward)
        return np.where(close, near, start)

    def story(self) -> Story:
        """Everything so far."""
        return Story(self._seed, self._start, self._splice, self._limits, tuple(self._events))

    def gap(self) -> float:
        """Time until the next event, s."""
        if self._halting:
            return 0.004
        if self._operating:
            return float(self._rng.choice(_WAITS, p=_WAIT_SHARES))
        return float(self._rng.choice(_GAPS, p=_GAP_SHARES))

    def next(self, now: float, position: Float, velocity: Float, silent: bool = False) -> Event | None:
        """What happens at ``now``; None when the story is over.

        Args:
            now: on the clock of the stamps, s.
            position, velocity: (J,) of the commanded motion, rad, rad/s.
            silent: whether no chunk moves the arm, so that an operator has to do something.
        """
        if self._halting:
            self._halting, self._operating = False, True
            return self._act(now, _HALTS)
        self._operating = silent
        if silent and self._rng.random() < _OPERATES:
            return self._act(now, _ASKS)
        if not self._left:
            return None
        self._left -= 1
        rng, situation = self._rng, self._situation
        if rng.random() >= _LOST:  # otherwise it goes on from where the arm was once
            situation.position, situation.velocity = position, velocity
        if not self._kind or rng.random() < _CHANGE:
            self._kind = str(rng.choice(self._kinds, p=self._shares))
        self._halting = bool(rng.random() < _HALT)
        age = min(float(rng.uniform(0.0, _OLDEST)), now)
        return self._keep(Event(now, self._kind, KINDS[self._kind].make(situation, now - age)))

    def _act(self, now: float, shares: dict[str, float]) -> Event:
        kind = str(self._rng.choice(list(shares), p=list(shares.values())))
        return self._keep(Event(now, kind, place=self._place() if kind == "move" else None))

    def _keep(self, event: Event) -> Event:
        self._events.append(event)
        return event
