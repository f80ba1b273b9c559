"""Consistency sampling in a few steps, for students of Consistency Policy (arXiv 2405.07503).

Song et al. 2023, "Consistency Models" (arXiv 2303.01469), algorithm 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sag_ros.policy.samplers.spec import stateless
from sag_ros.policy.schedule import CoefficientTable, cosine_alphas_cumprod

# Below it the clean sample is no longer read off the noise prediction with the schedule's own alpha-bar:
# 1 / sqrt(alpha-bar) reaches 2000 at the noisiest step, and with it what an error of the network costs.
ALPHA_BAR_FLOOR = 0.1


def consistency_scaling(K: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """``c_skip`` and ``c_out``, both (K,), of the student ``f(x, k) = c_skip[k] x + c_out[k] net(x, k)``.

    The x0 of a noise prediction, with alpha-bar bounded from below: where the bound is not active, a network
    that predicts noise is already the denoiser ``f``, so a student may start as a copy of its teacher; where
    it is active, ``|c_out|`` stays at 3 and the network learns what to predict instead.
    """
    alpha_bar = np.maximum(cosine_alphas_cumprod(K), ALPHA_BAR_FLOOR)
    return 1.0 / np.sqrt(alpha_bar), -np.sqrt(1.0 - alpha_bar) / np.sqrt(alpha_bar)


def consistency_table(K: int, steps: int, clip: float = 1.0) -> CoefficientTable:
    """``steps`` evenly spaced timesteps from K - 1 on: jump to the clean sample, noise it anew, jump again.

    The last step gives the clean sample itself.

    Raises:
        ValueError: ``steps`` is not in 1 ... K.
    """
    if not 1 <= steps <= K:
        raise ValueError(f"consistency sampling can take 1 to {K} steps of this policy; got {steps}")
    timesteps = K * np.arange(steps, 0, -1, dtype=np.int64) // steps - 1
    after = np.append(cosine_alphas_cumprod(K)[timesteps[1:]], 1.0)
    skip, out = consistency_scaling(K)
    zero = np.zeros(steps)
    columns = (skip[timesteps], out[timesteps], np.sqrt(after), zero, zero, np.sqrt(1.0 - after))
    return CoefficientTable(timesteps, np.stack(columns, axis=1), clip, K, f"cm{steps}")


def consistency_of(K: int, steps: int | None, clip: float) -> CoefficientTable:
    """The table of ``cm3``, or of ``cm``: one step."""
    return consistency_table(K, 1 if steps is None else steps, clip)


SAMPLER = stateless("cm", consistency_of, training="consistency", first=True)
