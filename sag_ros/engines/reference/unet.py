"""The reference of a U-Net: its network in torch, once a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from sag_ros.engines.checked import Float32
from sag_ros.engines.whole import WholeNetworkEngine
from sag_ros.policy.schedule import CoefficientTable

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle


class ReferenceUNet(WholeNetworkEngine):
    """Everything as the network's own ``forward`` has it."""

    name = "reference"

    def __init__(self, bundle: PolicyBundle, table: CoefficientTable) -> None:
        super().__init__(bundle, table)
        self._network = bundle.denoiser.eval()

    def _observe(self, obs_features: Float32) -> None:
        self._frames = torch.tensor(obs_features, dtype=torch.float32)[None]

    def _noise(self, sample: Float32, step: int) -> Float32:
        with torch.inference_mode():
            x = torch.from_numpy(sample)[None]
            eps: Float32 = self._network(x, int(self._table.timesteps[step]), self._frames)[0].numpy()
        return eps
