"""How good are the actions under a mask: what every search over schedules minimises."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sag_ros.engines.registry import build_engine
from sag_ros.policy.bundle import PolicyBundle
from sag_ros.policy.schedule import CoefficientTable
from sag_ros.pruning.plan import Reuse, make_plan
from sag_ros.pruning.static_masks import dense_mask
from sag_ros.train.data.windows import Windows
from sag_ros.train.run import parallel
from sag_ros.values import Mask, frozen

Pruned = NDArray[np.bool_]


@dataclass(frozen=True)
class Batch:
    """Windows to compare on: features (B, To, D), executed actions (B, Ta, A), noise (B, n + 1, T, A)."""

    features: NDArray[np.float32]
    actions: NDArray[np.float32]
    noise: NDArray[np.float32]

    def only(self, index: int) -> Batch:
        """A batch of one of the windows."""
        one = slice(index, index + 1)
        return Batch(self.features[one], self.actions[one], self.noise[one])


class ActionErrorMetric:
    """L1 distance of the executed actions to the demonstrated ones, in the engine that will execute them.

    Noise and windows are fixed, so two masks are compared on the same draws. Processes of torchrun share the
    windows.

    Args:
        bundle: the frozen policy.
        table: its sampler.
        reuse: what a pruned block reads.
        engine: name of the engine.
    """

    def __init__(
        self, bundle: PolicyBundle, table: CoefficientTable, reuse: Reuse = "type", engine: str = "auto"
    ) -> None:
        self.bundle, self.table, self.reuse = bundle, table, reuse
        self._engine = build_engine(engine, bundle, table)

    @property
    def steps(self) -> int:
        """n, of the sampler."""
        return len(self.table)

    def batch(self, windows: Windows, among: Tensor, count: int, seed: int) -> Batch:
        """This process's share of ``count`` windows drawn from ``among`` (N,), with their noise."""
        contract = self.bundle.contract
        generator = torch.Generator().manual_seed(seed)
        chosen = among[torch.randperm(len(among), generator=generator)[:count]]
        shape = len(chosen), self.steps + 1, contract.horizon, contract.action_dim
        noise = torch.randn(shape, generator=generator)
        own = slice(parallel.rank(), None, parallel.world())
        features, actions = windows.at(chosen[own])
        return Batch(
            features.numpy(), np.ascontiguousarray(actions[:, contract.executed].numpy()), noise[own].numpy()
        )

    def chunks(self, pruned: Pruned, batch: Batch, source: Pruned | None = None) -> NDArray[np.float32]:
        """Executed actions (B, Ta, A), normalised, under ``pruned`` (n, 3L); ``source`` as in ``Mask``."""
        plan = make_plan(Mask(frozen(pruned.copy()), source), self.reuse)
        pairs = zip(batch.features, batch.noise, strict=True)
        return np.stack([self._engine.denoise(features, plan, noise) for features, noise in pairs])

    def distance(self, pruned: Pruned, batch: Batch) -> float:
        """Mean L1 distance, normalised units, over the windows of all processes."""
        own = float(np.abs(self.chunks(pruned, batch) - batch.actions).mean())
        return float(parallel.mean(torch.tensor(own, dtype=torch.float64)))

    def dense(self) -> Pruned:
        """Nothing pruned, (n, 3L)."""
        return dense_mask(self.steps, self.bundle.contract.blocks).pruned

    def errors(self, pruned: Pruned, batch: Batch) -> dict[str, float]:
        """What a static schedule costs, in normalised action units, for its provenance.

        ``l1`` to the demonstrated actions, ``l1_dense`` of the unpruned policy under the same noise,
        ``from_dense`` between the two, and the ``density``.
        """
        sparse, dense = self.chunks(pruned, batch), self.chunks(self.dense(), batch)
        pairs = {
            "l1": (sparse, batch.actions),
            "l1_dense": (dense, batch.actions),
            "from_dense": (sparse, dense),
        }
        found = {name: round(float(np.abs(a - b).mean()), 5) for name, (a, b) in pairs.items()}
        return {**found, "density": round(1.0 - float(pruned.mean()), 4)}
