"""Denoisers of which nothing can be pruned: the sampler's loop around a network that is computed whole."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from sag_ros.engines.checked import CheckedEngine, Float32
from sag_ros.policy.schedule import CoefficientTable
from sag_ros.pruning.plan import Plan

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle


class WholeNetworkEngine(CheckedEngine):
    """Evaluates the network once a step, at the whole horizon: convolutions look ahead."""

    def __init__(self, bundle: PolicyBundle, table: CoefficientTable) -> None:
        super().__init__(bundle, table, bundle.contract.horizon)

    @abstractmethod
    def _observe(self, obs_features: Float32) -> None:
        """Take the features (To, D) that all steps of a chunk have in common."""

    @abstractmethod
    def _noise(self, sample: Float32, step: int) -> Float32:
        """(T, A) -> the predicted noise (T, A)."""

    def _denoise(
        self, obs_features: Float32, plan: Plan, noise: Float32, first_step: int, trace: Float32 | None
    ) -> Float32:
        require_whole(plan)
        self._observe(obs_features)
        sample = np.array(noise[0])
        for step in range(first_step, len(self._table)):
            if trace is not None:
                trace[step] = sample
            eps = self._noise(sample, step)
            sample = self._table.step(step, sample, eps, noise[step + 1]).astype(np.float32)
        if trace is not None:
            trace[-1] = sample
        return sample[self._executed]

    def _estimate(self, obs_features: Float32, sample: Float32, step: int) -> Float32:
        self._observe(obs_features)
        eps = self._noise(np.array(sample, np.float32), step)
        return self._table.clean(step, sample, eps).astype(np.float32)


def require_whole(plan: Plan) -> None:
    """Raise ValueError for a plan that leaves something out."""
    if plan.mask.pruned.any():
        raise ValueError(
            "masks are of transformer blocks, the policy's denoiser is a U-Net: take mask_source dense, "
            "and to be faster fewer steps (sampler ddim10)"
        )
