"""What a conversion has found: rates, gaps, numbers that stand out or are none of the policy's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sag_ros.data.demonstrations import Episode
from sag_ros.policy.bundle import PolicyBundle
from sag_ros.train.convert.raw import RawEpisode

_GAP = 1.5  # periods between two frames
_FAR = 8.0  # spreads (of the middle half of the values) from the middle
_BEYOND = 0.1  # of the range of the training, at either end
_STRANGE = 0.05  # share of values beyond, from which on something is wrong


@dataclass
class Report:
    """Grows with each episode.

    Attributes:
        period: s, of the source; NaN where each input has its own.
        dropped: why episodes were left out.
    """

    period: float
    episodes: int = 0
    frames: int = 0
    interventions: int = 0
    gaps: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    _states: list[np.ndarray] = field(default_factory=list)
    _actions: list[np.ndarray] = field(default_factory=list)

    @property
    def stated_period(self) -> float | None:
        """s, of the source; None where it has none."""
        return self.period if np.isfinite(self.period) else None

    def recorded(self, raw: RawEpisode) -> None:
        """Look at the stamps of an episode as it was recorded."""
        steps = np.diff(() if raw.frames is None else raw.frames)
        if raw.frames is not None and len(steps) and steps.max() > _GAP * self.period:
            at = raw.frames[int(steps.argmax())]
            self.gaps.append(f"{raw.name}: {steps.max():.3f} s without a frame at {at:.2f} s")

    def kept(self, episode: Episode) -> None:
        """Count an episode that is in the store."""
        self.episodes += 1
        self.frames += len(episode)
        if episode.intervention is not None:
            self.interventions += int(episode.intervention.sum())
        self._states.append(episode.state)
        self._actions.append(episode.action)

    def content(self, bundle: PolicyBundle | None = None) -> dict[str, Any]:
        """JSON-ready; with the policy's normaliser also what lies outside of what it was trained on."""
        found: dict[str, Any] = {
            "episodes": self.episodes,
            "frames": self.frames,
            "source_period": self.stated_period,
            "gaps": self.gaps,
            "dropped": self.dropped,
            "intervention_frames": self.interventions,
        }
        if not self.episodes:
            return found
        for name, parts in (("state", self._states), ("action", self._actions)):
            values = np.concatenate(parts).astype(np.float64)
            found[name] = {"least": values.min(axis=0).tolist(), "largest": values.max(axis=0).tolist()}
            found[name]["outliers"] = _outliers(values)
            if bundle is not None:
                scale, offset = (one.double().numpy() for one in bundle.normaliser.vectors(name))
                beyond = (np.abs(values * scale + offset) > 1.0 + 2.0 * _BEYOND).mean(axis=0)
                found[name]["beyond_training"] = beyond.round(4).tolist()
        return found


def _outliers(values: np.ndarray) -> list[int]:
    """How many values of each column stand out."""
    low, middle, high = np.percentile(values, (25, 50, 75), axis=0)
    spread = np.maximum(high - low, 1e-9 + 0.01 * (values.max(axis=0) - values.min(axis=0)))
    count: list[int] = (np.abs(values - middle) > _FAR * spread).sum(axis=0).tolist()
    return count


def remarks(content: dict[str, Any], names: dict[str, list[str]]) -> list[str]:
    """What a person should look at; ``names`` of the numbers of state and action."""
    found = [f"left out: {text}" for text in content["dropped"]]
    found += [f"gap: {text}" for text in content["gaps"]]
    found += content.get("notes", [])
    for part, own in names.items():
        for number, share in enumerate(content.get(part, {}).get("beyond_training", [])):
            if share > _STRANGE:
                found.append(
                    f"{part} {own[number]}: {100 * share:.0f} % of its values are far outside of what the "
                    "policy was trained on; is it the right key, unit and frame?"
                )
        for number, count in enumerate(content.get(part, {}).get("outliers", [])):
            if count:
                found.append(f"{part} {own[number]}: {count} values stand out")
    return found
