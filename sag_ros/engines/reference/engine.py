"""The reference: the literal rule in torch at the full horizon. Slow, and what others are checked against."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from sag_ros.engines.protocol import require_image, require_sample, require_shapes, require_start
from sag_ros.policy.schedule import CoefficientTable
from sag_ros.pruning.plan import Plan
from sag_ros.pruning.rollout import apply_row, sparse_rollout

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle


class ReferenceEngine:
    """Follows the mask of the plan block by block; none of the identities of the fast engines."""

    name = "reference"

    def __init__(self, bundle: PolicyBundle, table: CoefficientTable) -> None:
        self._dpt = bundle.dpt.eval()
        self._table = table
        self.tokens = self._dpt.config.horizon
        start = bundle.contract.observation_steps - 1
        self._executed = slice(start, start + bundle.contract.action_steps)

    def denoise(
        self,
        obs_features: NDArray[np.float32],
        plan: Plan,
        noise: NDArray[np.float32],
        first_step: int = 0,
        trace: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """See :class:`sag_ros.engines.protocol.Engine`."""
        require_shapes(obs_features, plan, noise, self._dpt.config, len(self._table))
        samples_shape = len(noise), noise.shape[1], noise.shape[2]
        require_start(plan, first_step, trace, samples_shape)
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

    def estimate(
        self, obs_features: NDArray[np.float32], sample: NDArray[np.float32], step: int
    ) -> NDArray[np.float32]:
        """See :class:`sag_ros.engines.protocol.Engine`."""
        config, table = self._dpt.config, self._table
        require_sample(obs_features, sample, step, config, len(table))
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
