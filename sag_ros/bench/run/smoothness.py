"""How smoothly the arm is moved, and how well successive action chunks agree."""

from __future__ import annotations

from math import sqrt

import numpy as np

from sag_ros.control.motion import Motion
from sag_ros.values import ActionChunk

# Gauss-Legendre with 4 nodes integrates the square of a cubic, the acceleration of a quintic, exactly.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(4)
_PLACES = np.concatenate((0.5 * (_NODES + 1.0), np.linspace(0.0, 1.0, 5)))  # the rest are for the maximum
_GAUSS = slice(0, 4)
_J = np.arange(6.0)


class Smoothness:
    """Collects the executed motion of one episode.

    Args:
        jerk_limits: (J,) of the arm, rad/s^3.

    Attributes:
        peak_jerk: largest jerk, as a share of the limit of its joint.
    """

    def __init__(self, jerk_limits: np.ndarray) -> None:
        self._limits = jerk_limits
        self.peak_jerk = 0.0
        self._time = self._jerk2 = self._acceleration2 = 0.0

    def add(self, motion: Motion, start: float, end: float) -> None:
        """The arm follows ``motion`` from ``start`` to ``end``, s."""
        times = motion.times
        # Outside of its pieces a motion rests.
        first = max(int(np.searchsorted(times, start + 1e-6, side="right")) - 1, 0)
        last = min(int(np.searchsorted(times, end - 1e-6)), len(times) - 1)
        self._time += end - start
        if last <= first:
            return
        low = np.maximum(times[first:last], start)
        high = np.minimum(times[first + 1 : last + 1], end)
        # (pieces, places): time within the piece.
        t = (low - times[first:last])[:, None] + (high - low)[:, None] * _PLACES
        c = motion.coefficients[first:last]
        jerk = np.einsum("mpk,mkj->mpj", t[:, :, None] ** _J[:3] * (6.0, 24.0, 60.0), c[:, 3:])
        self.peak_jerk = max(self.peak_jerk, float((np.abs(jerk) / self._limits).max()))
        t = t[:, _GAUSS]
        acceleration = np.einsum("mpk,mkj->mpj", t[:, :, None] ** _J[:4] * (2.0, 6.0, 12.0, 20.0), c[:, 2:])
        weight = 0.5 * (high - low)[:, None] * _WEIGHTS
        self._jerk2 += float((weight * (jerk[:, _GAUSS] ** 2).mean(axis=2)).sum())
        self._acceleration2 += float((weight * (acceleration**2).mean(axis=2)).sum())

    @property
    def rms_jerk(self) -> float:
        """Root mean square over time and joints, rad/s^3; 0 before anything moved."""
        return sqrt(self._jerk2 / self._time) if self._time else 0.0

    @property
    def rms_acceleration(self) -> float:
        """Root mean square over time and joints, rad/s^2."""
        return sqrt(self._acceleration2 / self._time) if self._time else 0.0


class Sampled:
    """The same of joints that are only sampled, by differences.

    Args:
        period: between two samples, s.
    """

    def __init__(self, period: float) -> None:
        self._period = period
        self._samples: list[np.ndarray] = []

    def add(self, positions: np.ndarray) -> None:
        """(J,) the next sample, rad."""
        self._samples.append(np.array(positions, float))

    def _rms(self, order: int) -> float:
        if len(self._samples) <= order:
            return 0.0
        differences = np.diff(np.stack(self._samples), order, axis=0) / self._period**order
        return float(np.sqrt((differences**2).mean()))

    @property
    def rms_jerk(self) -> float:
        """Root mean square over time and joints, rad/s^3; 0 before there are enough samples."""
        return self._rms(3)

    @property
    def rms_acceleration(self) -> float:
        """Root mean square over time and joints, rad/s^2."""
        return self._rms(2)


class Agreement:
    """Distances between successive chunks as the policy gave them, before any smoothing or splicing.

    Args:
        execute: actions executed of every chunk before the next one takes over.

    Attributes:
        jumps: for each chunk after the first, the distance of its first action from where the one before
            was heading: that chunk's own action for the same time, or, where it has none, its last two
            actions continued. The joint that is farthest off, rad.
        bends: within each chunk, the mean distance of an executed action from the two before it continued:
            what a jump would be without a border.
    """

    def __init__(self, execute: int) -> None:
        self._execute = execute
        self._before: ActionChunk | None = None
        self.jumps: list[float] = []
        self.bends: list[float] = []

    def add(self, chunk: ActionChunk) -> None:
        """The next chunk; one that is not finite ends the series."""
        actions = chunk.positions[: self._execute]
        if not np.isfinite(actions).all():
            self._before = None
            return
        if self._before is not None:
            before, n = self._before.positions, self._execute
            heading = before[n] if n < len(before) else 2.0 * before[n - 1] - before[max(n - 2, 0)]
            self.jumps.append(float(np.abs(actions[0] - heading).max()))
        if len(actions) > 2:
            self.bends.append(float(np.abs(np.diff(actions, 2, axis=0)).max(axis=1).mean()))
        self._before = chunk
