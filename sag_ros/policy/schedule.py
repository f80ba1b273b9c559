"""Noise schedule, and a sampler written as a table of six coefficients per step.

A sampler that is a table needs no code at run time: every engine executes the same five multiply-adds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sag_ros.values import frozen

COLUMNS = ("x0_from_x", "x0_from_eps", "prev_from_x0", "prev_from_x", "prev_from_eps", "noise_scale")


def cosine_alphas_cumprod(steps: int) -> NDArray[np.float64]:
    """(K,) cumulated alphas of the ``squaredcos_cap_v2`` schedule (Nichol and Dhariwal 2021, eq. 17).

    Raises:
        ValueError: ``steps`` < 1.
    """
    if steps < 1:
        raise ValueError(f"a schedule needs at least 1 step; got {steps}")

    def alpha_bar(u: float) -> float:
        return math.cos((u + 0.008) / 1.008 * math.pi / 2) ** 2

    betas = [min(1.0 - alpha_bar((i + 1) / steps) / alpha_bar(i / steps), 0.999) for i in range(steps)]
    return frozen(np.cumprod(1.0 - np.asarray(betas, np.float64)))


@dataclass(frozen=True)
class CoefficientTable:
    """One sampler, row i = executed step i (row 0 is the first, noisiest).

    With row ``c``: ``x0 = clip(c0 * x + c1 * eps, -clip, clip)`` and
    ``x' = c2 * x0 + c3 * x + c4 * eps + c5 * noise``.

    Attributes:
        timesteps: (n,) int64, what DP-T is told in each step, decreasing.
        coefficients: (n, 6) float64, columns as ``COLUMNS``; or (n, T, 6), a row for each token.
        clip: bound on x0; infinity for none.
        train_steps: K, the steps the policy was trained with.
        name: the sampler's name in the registry.
    """

    timesteps: NDArray[np.int64]
    coefficients: NDArray[np.float64]
    clip: float = 1.0
    train_steps: int = 100
    name: str = ""

    def __post_init__(self) -> None:
        n = len(self.timesteps)
        shape = self.coefficients.shape
        fits = len(shape) in (2, 3) and shape[0] == n and shape[-1] == len(COLUMNS)
        if n < 1 or self.timesteps.shape != (n,) or not fits:
            raise ValueError(
                f"a table has timesteps (n,) and coefficients (n, {len(COLUMNS)}) or (n, T, {len(COLUMNS)}), "
                f"n >= 1; got {self.timesteps.shape} and {shape}"
            )
        if not np.isfinite(self.coefficients).all() or not self.clip > 0:
            raise ValueError(f"coefficients must be finite and clip positive; clip is {self.clip}")
        frozen(self.timesteps)
        frozen(self.coefficients)

    def __len__(self) -> int:
        return len(self.timesteps)

    @property
    def per_token(self) -> bool:
        """Whether each token has coefficients of its own."""
        return self.coefficients.ndim == 3

    def by_token(self) -> NDArray[np.float64]:
        """(n, T, 6), or (n, 1, 6) where all tokens share their coefficients."""
        return self.coefficients if self.per_token else self.coefficients[:, None]

    def estimates(self) -> NDArray[np.float64]:
        """As ``coefficients``, of steps that end at x0 itself."""
        coefficients = self.coefficients.copy()
        coefficients[..., 2:] = (1.0, 0.0, 0.0, 0.0)
        return coefficients

    def estimates_by_token(self) -> NDArray[np.float64]:
        """:meth:`estimates` in the shape of :meth:`by_token`."""
        return self.estimates() if self.per_token else self.estimates()[:, None]

    def step(self, index: int, x: np.ndarray, eps: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """The sample after step ``index``, the literal rule; all arrays of one shape, (..., T', A), T' <= T,
        where tokens have coefficients of their own."""
        c = self._row(index, x)
        return c[2] * self.clean(index, x, eps) + c[3] * x + c[4] * eps + c[5] * noise

    def clean(self, index: int, x: np.ndarray, eps: np.ndarray) -> np.ndarray:
        """The clean sample x0 that step ``index`` implies; arrays as of :meth:`step`."""
        c = self._row(index, x)
        return np.clip(c[0] * x + c[1] * eps, -self.clip, self.clip)

    def _row(self, index: int, x: np.ndarray) -> np.ndarray:
        c = self.coefficients[index]
        return c[: x.shape[-2]].T[..., None] if self.per_token else c
