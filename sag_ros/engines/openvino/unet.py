"""A U-Net on one CPU core: its convolutions as one OpenVINO request, its conditions beside it.

What conditions do to the channels is the sum of a part of the step, tabulated here, and a part of the
observed frames, computed once a chunk (``UNet.body``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from sag_ros.engines.buffers import aligned
from sag_ros.engines.checked import Float32
from sag_ros.engines.openvino import runtime
from sag_ros.engines.openvino.conversion import convert
from sag_ros.engines.whole import WholeNetworkEngine
from sag_ros.policy.schedule import CoefficientTable
from sag_ros.policy.unet import UNet

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle


class _Body(nn.Module):
    def __init__(self, network: UNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, sample: Tensor, film: Tensor) -> Any:
        return self.network.body(sample, film)


class OpenVinoUNet(WholeNetworkEngine):
    """See the module.

    Args:
        precision: ``f32``, which ``auto`` takes, or ``bf16``: faster, but dozens of normalised convolutions
            in a row round to some percent of an action.

    Raises:
        ValueError: unknown precision, or int8.
    """

    name = "openvino"

    def __init__(self, bundle: PolicyBundle, table: CoefficientTable, precision: str = "auto") -> None:
        super().__init__(bundle, table)
        network, contract = bundle.denoiser, bundle.contract
        assert isinstance(network, UNet)  # as the registry asked
        if precision == "int8":
            raise ValueError("int8 weights are for transformers; a U-Net runs in auto, f32 or bf16")
        core = runtime.make_core()
        self.precision = runtime.choose_precision(core, "f32" if precision == "auto" else precision)
        with torch.no_grad():
            steps = torch.tensor(table.timesteps.tolist())
            self._steps = network.film_of_steps(steps).numpy()
            self._weight = np.ascontiguousarray(network.frame_weights().numpy())
        self._film = aligned(1, self._steps.shape[1])
        self._sample = aligned(1, contract.horizon, contract.action_dim)
        self._eps = aligned(1, contract.horizon, contract.action_dim)
        examples = torch.zeros(self._sample.shape), torch.zeros(self._film.shape)
        model = convert(_Body(network), *examples)
        self._request = runtime.Request(runtime.compile_model(core, model, self.precision))
        self._request.bind_input(self._sample, 0)
        self._request.bind_input(self._film, 1)
        self._request.bind_output(self._eps)

    def _observe(self, obs_features: Float32) -> None:
        flat = np.asarray(obs_features, np.float64).ravel()
        mish = (flat * np.tanh(np.logaddexp(0.0, flat))).astype(np.float32)
        self._frames = self._weight @ mish

    def _noise(self, sample: Float32, step: int) -> Float32:
        self._sample[0] = sample
        np.add(self._steps[step], self._frames, out=self._film[0])
        self._request()
        return self._eps[0]
