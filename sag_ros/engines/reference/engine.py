"""The reference: the literal rule in torch at the full horizon. Slow, and what others are checked against."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from sag_ros.engines.checked import CheckedEngine, Float32, require_image
from sag_ros.policy.schedule import CoefficientTable
from sag_ros.pruning.plan import Plan
from sag_ros.pruning.rollout import apply_row, sparse_rollout

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle


class ReferenceEngine(CheckedEngine):
    """Follows the mask of the plan block by block; none of the identities of the fast engines."""

    name = "reference"

    def __init__(self, bundle: PolicyBundle, table: CoefficientTable) -> None:
        super().__init__(bundle, table, bundle.contract.horizon)
        self._dpt = bundle.dpt.eval()

    def _denoise(
        self, obs_features: Float32, plan: Plan, noise: Float32, first_step: int, trace: Float32 | None
    ) -> Float32:
        samples: list[torch.Tensor] | None = None if trace is None else []
        gates = torch.from_numpy(~plan.mask.pruned).float()[None]
        with torch.inference_mode():
            sample = sparse_rollout(
                self._dpt,
                self._table,
                torch.tensor(obs_features, dtype=torch.float32)[None],
                gates,
                torch.tensor(noise, dtype=torch.float32)[:, None],
                plan.reuse,
                source=None if plan.mask.source is None else torch.tensor(plan.mask.source),
                first_step=first_step,
                trace=samples,
            )
        if trace is not None and samples is not None:
            trace[first_step:] = torch.cat(samples).numpy()
        return sample[0, self._executed].numpy()

    def _estimate(self, obs_features: Float32, sample: Float32, step: int) -> Float32:
        table = self._table
        obs = torch.tensor(obs_features, dtype=torch.float32)[None]
        x = torch.tensor(sample, dtype=torch.float32)[None]
        with torch.inference_mode():
            eps = self._dpt(x, int(table.timesteps[step]), obs)
            clean = apply_row(table.estimates()[step], table.clip, x, eps, torch.zeros_like(x))
        return clean[0].numpy()


class ReferenceFrameEncoder:
    """The observation encoder in torch."""

    name = "reference"

    def __init__(self, bundle: PolicyBundle) -> None:
        self._encoder = bundle.encoder.eval()
        self._sizes = {name: (size.height, size.width, 3) for name, size in bundle.contract.cameras.items()}

    def encode(self, camera: str, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(H, W, 3) uint8 -> (F,)."""
        require_image(camera, image, self._sizes)
        with torch.inference_mode():
            return self._encoder.encode(camera, torch.tensor(image)[None])[0].numpy()
