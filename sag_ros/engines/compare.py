"""Does an engine compute what the reference computes? Asked before a policy may move the arm."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sag_ros.engines.protocol import Engine
from sag_ros.engines.reference import reference_engine
from sag_ros.policy.schedule import CoefficientTable
from sag_ros.pruning.plan import Plan

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle


def largest_error(
    engine: Engine,
    bundle: PolicyBundle,
    table: CoefficientTable,
    plan: Plan,
    observations: Iterable[NDArray[np.float32]],
    seed: int = 0,
) -> float:
    """Largest deviation of ``engine`` from the reference over ``observations`` of (To, D) features each.

    Relative to the largest action of the chunk, in normalised units; infinite when an action is not finite.
    The reference takes about a second an observation under a dense plan of the shipped size.
    """
    reference = reference_engine(bundle, table)
    config = bundle.denoiser.config
    rng = np.random.default_rng(seed)
    worst = 0.0
    for obs in observations:
        shape = (len(table) + 1, config.horizon, config.action_dim)
        noise = rng.standard_normal(shape, dtype=np.float32)
        expected = reference.denoise(obs, plan, noise)
        error = float(np.abs(engine.denoise(obs, plan, noise) - expected).max())
        scale = float(np.abs(expected).max())
        relative = error / max(scale, 1e-6)
        worst = max(worst, relative if np.isfinite(relative) else np.inf)
    return worst
