"""How old the inputs are; clocks are injected, nothing sleeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Health:
    """Whether every input is fresh; true in a condition if so, else ``reason`` says which is not."""

    healthy: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.healthy


_HEALTHY = Health(True)
AHEAD = 0.05  # s; a stamp further in the future means that clocks disagree
PAST = 10.0  # s; so does one so old: no driver takes that long


def implausible(stamp: float, now: float) -> str:
    """Why a stamp (s) of a message that came ``now`` cannot be true, or an empty text.

    Such a message must not be remembered: whatever is newest decides what is old.
    """
    if not stamp - now <= AHEAD:  # also for NaN
        return f"stamped {stamp - now:.3f} s in the future; synchronise the clocks"
    if not now - stamp <= PAST:
        return f"stamped {now - stamp:.3f} s in the past; synchronise the clocks"
    return ""


def _require_positive(bounds: Mapping[str, float]) -> None:
    wrong = {name: bound for name, bound in bounds.items() if not bound > 0.0}
    if wrong:
        raise ValueError(f"ages must be positive seconds, got {wrong}; use .inf not to watch an input")


class Watchdog:
    """Watches the stamps of named inputs, such as ``observation``, ``joint_state`` or a camera.

    Args:
        bounds: input -> largest allowed age, s; ``inf`` does not watch it.
        ahead: how far a stamp may be in the future, s; more means that clocks disagree.
    """

    def __init__(self, bounds: Mapping[str, float], ahead: float = AHEAD) -> None:
        _require_positive(bounds)
        self._bounds = dict(bounds)
        self._ahead = ahead
        self._stamps: dict[str, float] = {}

    def rebound(self, bounds: Mapping[str, float]) -> None:
        """Other bounds for the same inputs.

        Raises:
            ValueError: other inputs, or an age that is not positive; nothing is changed.
        """
        if set(bounds) != set(self._bounds):
            raise ValueError(f"the inputs {sorted(self._bounds)} are watched, not {sorted(bounds)}")
        _require_positive(bounds)
        self._bounds = dict(bounds)

    def reset(self) -> None:
        """Forget every stamp."""
        self._stamps.clear()

    def seen(self, name: str, stamp: float) -> None:
        """Note the stamp of an input (s); an older or undefined one does not make it fresher.

        Raises:
            KeyError: ``name`` is not watched.
        """
        if name not in self._bounds:
            raise KeyError(f"input {name!r} is not watched; known: {sorted(self._bounds)}")
        if stamp > self._stamps.get(name, float("-inf")):  # false for NaN
            self._stamps[name] = stamp

    def age(self, name: str, now: float) -> float:
        """Age of the newest stamp, s; inf when there was none."""
        return now - self._stamps.get(name, float("-inf"))

    def fresh(self, name: str, stamp: float, now: float) -> Health:
        """Whether one stamp of an input would be fresh."""
        age = now - stamp
        bound = self._bounds[name]
        if not age <= bound:
            return Health(False, f"{name} is {age:.3f} s old, allowed {bound:.3f} s")
        if age < -self._ahead:
            return Health(False, f"{name} is stamped {-age:.3f} s in the future; synchronise the clocks")
        return _HEALTHY

    def check_one(self, name: str, now: float) -> Health:
        """Whether one input is fresh."""
        stamp = self._stamps.get(name)
        return Health(False, f"no {name} yet") if stamp is None else self.fresh(name, stamp, now)

    def check(self, now: float, skip: str = "") -> Health:
        """Whether every input (but ``skip``) is fresh."""
        for name, bound in self._bounds.items():
            if name == skip or bound == float("inf"):
                continue
            if not -self._ahead <= self.age(name, now) <= bound:
                return self.check_one(name, now)
        return _HEALTHY
