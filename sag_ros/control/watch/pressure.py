"""When a policy that comes too late does less, and when it does more again. Clocks are injected."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

_KEPT = 512  # chunks; some seconds


@dataclass(frozen=True)
class PressureSettings:
    """Times in s.

    Attributes:
        latency: from camera to command from which a chunk is late.
        window: chunks on one level before a step down is decided.
        late: share of them that is too many.
        own: share of it that we take at least where doing less is of use; where frames are old when
            they come it is not.
        margin: share of it in which nine of ten chunks have to be done for a step up.
        patience: without pressure before a step up; doubled up to ``patience_most`` with each step up that
            did not hold for as long.
    """

    latency: float = 0.1
    window: int = 12
    late: float = 0.5
    own: float = 0.5
    margin: float = 0.8
    patience: float = 2.0
    patience_most: float = 60.0


class Pressure:
    """Chooses a level from what the chunks took: 0 is what was asked for, each further one takes less.

    Args:
        levels: how many there are.
        settings: see there; may be replaced.
    """

    def __init__(self, levels: int, settings: PressureSettings | None = None) -> None:
        if levels < 1:
            raise ValueError(f"{levels} levels; at least 1")
        self.levels, self.settings = levels, settings or PressureSettings()
        self.reset()

    def reset(self) -> None:
        """Begin again at level 0."""
        self.level, self._patience = 0, self.settings.patience
        self._since, self._up = math.inf, -math.inf
        self._late: deque[bool] = deque(maxlen=self.settings.window)
        self._quiet: deque[float] = deque(maxlen=_KEPT)  # latencies since then

    def look(self, now: float, latency: float, own: float) -> int:
        """The level from now on.

        Args:
            now: when the chunk was finished, s.
            latency: since the camera's stamp; own: the part of it since its newest frame was here, s.
        """
        settings = self.settings
        late = latency > settings.latency and own > settings.own * settings.latency
        self._late.append(late)
        if late:
            self._since = math.inf
            self._quiet.clear()
        else:
            self._since = min(self._since, now)
            self._quiet.append(latency)
        window = len(self._late) == settings.window
        if window and sum(self._late) >= settings.late * settings.window and self.level < self.levels - 1:
            if now - self._up < self._patience:  # the step up was one too many
                self._patience = min(2.0 * self._patience, settings.patience_most)
            self._step(now, self.level + 1)
        elif self.level > 0 and now - self._since >= self._patience and window and self._easy():
            self._up = now
            self._step(now, self.level - 1)
        elif self.level == 0 and now - self._up > settings.patience_most:
            self._patience = settings.patience
        return self.level

    def _easy(self) -> bool:
        return float(np.percentile(self._quiet, 90)) <= self.settings.margin * self.settings.latency

    def _step(self, now: float, level: int) -> None:
        self.level, self._since = level, math.inf
        self._quiet.clear()
        self._late.clear()
