"""DDIM, deterministic sampling on a subset of the steps (Song et al. 2021, eq. 12; arXiv 2010.02502)."""

from __future__ import annotations

import numpy as np

from sag_ros.policy.samplers.spec import stateless
from sag_ros.policy.schedule import CoefficientTable, cosine_alphas_cumprod


def ddim_table(K: int, steps: int, clip: float = 1.0) -> CoefficientTable:
    """``steps`` of K steps at stride K // steps, eta = 0, alpha-bar of the end = 1, no offset.

    The clipped x0 is combined with the predicted eps as it is, not with one re-derived from x0.

    Raises:
        ValueError: ``steps`` is not in 1 ... K.
    """
    if not 1 <= steps <= K:
        raise ValueError(f"DDIM can take 1 to {K} steps of this policy; got {steps}")
    alpha_bar = cosine_alphas_cumprod(K)
    stride = K // steps
    timesteps = (np.arange(steps, dtype=np.int64) * stride)[::-1].copy()
    now = alpha_bar[timesteps]
    previous = timesteps - stride
    before = np.where(previous >= 0, alpha_bar[np.maximum(previous, 0)], 1.0)
    zero = np.zeros(steps)
    columns = (
        1.0 / np.sqrt(now),
        -np.sqrt(1.0 - now) / np.sqrt(now),
        np.sqrt(before),
        zero,
        np.sqrt(1.0 - before),
        zero,
    )
    return CoefficientTable(timesteps, np.stack(columns, axis=1), clip, K, f"ddim{steps}")


def ddim_of(K: int, steps: int | None, clip: float) -> CoefficientTable:
    """The table of ``ddim30``, or of ``ddim``: all K steps."""
    return ddim_table(K, K if steps is None else steps, clip)


SAMPLER = stateless("ddim", ddim_of)
