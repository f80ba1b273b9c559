"""DDPM, ancestral sampling (Ho et al. 2020, eq. 7 and 11; arXiv 2006.11239)."""

from __future__ import annotations

import numpy as np

from sag_ros.policy.samplers.spec import stateless
from sag_ros.policy.schedule import CoefficientTable, cosine_alphas_cumprod


def ddpm_table(K: int, clip: float = 1.0) -> CoefficientTable:
    """All K steps with the variance ``fixed_small``; the last step adds no noise.

    Raises:
        ValueError: ``K`` < 1.
    """
    alpha_bar = cosine_alphas_cumprod(K)
    timesteps = np.arange(K - 1, -1, -1, dtype=np.int64)
    now = alpha_bar[timesteps]
    before = np.append(alpha_bar[timesteps[:-1] - 1], 1.0)
    alpha = now / before
    beta = 1.0 - alpha
    variance = (1.0 - before) / (1.0 - now) * beta
    noise = np.sqrt(np.maximum(variance, 1e-20))  # the floor is the public scheduler's
    noise[-1] = 0.0
    columns = (
        1.0 / np.sqrt(now),
        -np.sqrt(1.0 - now) / np.sqrt(now),
        np.sqrt(before) * beta / (1.0 - now),
        np.sqrt(alpha) * (1.0 - before) / (1.0 - now),
        np.zeros(K),
        noise,
    )
    return CoefficientTable(timesteps, np.stack(columns, axis=1), clip, K, "ddpm")


def ddpm_of(K: int, steps: int | None, clip: float) -> CoefficientTable:
    """The table of ``ddpm``, or of ``ddpm100`` where K is 100; raises ValueError for another number."""
    if steps not in (None, K):
        raise ValueError(f"ddpm runs all {K} steps of this policy; got ddpm{steps}, use ddpm or ddim{steps}")
    return ddpm_table(K, clip)


SAMPLER = stateless("ddpm", ddpm_of, first=True)
