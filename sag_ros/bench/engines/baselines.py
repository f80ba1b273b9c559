"""What the sparse engines are compared with: dense denoising as users run it today."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sag_ros.bench.run.machine import usable_cores
from sag_ros.policy.bundle import PolicyBundle
from sag_ros.policy.schedule import CoefficientTable

Float32 = NDArray[np.float32]


class DenseLoop:
    """The whole network once a step, all T tokens, conditioning and all; the sampler in numpy.

    Args:
        predict: (T, A) sample, timestep, (To, D) features -> (T, A) predicted noise.
    """

    def __init__(
        self, bundle: PolicyBundle, table: CoefficientTable, predict: Callable[[Float32, int, Float32], Any]
    ) -> None:
        self._table, self._predict, self._executed = table, predict, bundle.contract.executed

    def denoise(self, obs_features: Float32, plan: object, noise: Float32) -> Float32:
        """As Engine.denoise; the plan is ignored."""
        x = noise[0]
        for index, k in enumerate(self._table.timesteps.tolist()):
            eps = self._predict(x, k, obs_features)
            x = self._table.step(index, x, eps, noise[index + 1]).astype(np.float32)
        return x[self._executed]


class AllCores:
    """A torch loop with as many threads as the process has cores."""

    def __init__(self, loop: DenseLoop) -> None:
        self._loop, self._threads = loop, usable_cores()

    def denoise(self, obs_features: Float32, plan: object, noise: Float32) -> Float32:
        """As Engine.denoise."""
        before = torch.get_num_threads()
        torch.set_num_threads(self._threads)
        try:
            return self._loop.denoise(obs_features, plan, noise)
        finally:
            torch.set_num_threads(before)


def torch_dense(bundle: PolicyBundle, table: CoefficientTable, compiled: bool = False) -> DenseLoop:
    """Plain eager torch, or ``torch.compile``.

    Raises:
        RuntimeError: torch cannot compile here, for want of a C++ compiler.
    """
    network: Any = bundle.dpt.eval()
    if compiled:
        network = torch.compile(network, dynamic=False)

    @torch.inference_mode()
    def predict(x: Float32, k: int, obs: Float32) -> Float32:
        step = torch.tensor([k])
        out: Float32 = network(torch.from_numpy(x)[None], step, torch.from_numpy(obs)[None])[0].numpy()
        return out

    return DenseLoop(bundle, table, predict)


def openvino_dense(bundle: PolicyBundle, table: CoefficientTable, precision: str = "f32") -> DenseLoop:
    """The network as it is, converted, one request a step: what an export to OpenVINO gives."""
    from sag_ros.engines.buffers import aligned
    from sag_ros.engines.openvino.conversion import trace
    from sag_ros.engines.openvino.runtime import Request, compile_model, make_core

    config = bundle.dpt.config
    x, obs = aligned(1, config.horizon, config.action_dim), aligned(1, config.obs_steps, config.obs_dim)
    k, eps = np.zeros(1, np.int64), aligned(1, config.horizon, config.action_dim)
    examples = tuple(torch.from_numpy(array.copy()) for array in (x, k, obs))
    request = Request(compile_model(make_core(), trace(_Network(bundle.dpt), *examples), precision))
    for index, array in enumerate((x, k, obs)):
        request.bind_input(array, index)
    request.bind_output(eps)

    def predict(sample: Float32, step: int, features: Float32) -> Float32:
        x[0], k[0], obs[0] = sample, step, features
        request()
        return eps[0]

    return DenseLoop(bundle, table, predict)


class _Network(nn.Module):
    def __init__(self, dpt: nn.Module) -> None:
        super().__init__()
        self.dpt = dpt

    def forward(self, x: Tensor, k: Tensor, obs: Tensor) -> Tensor:
        out: Tensor = self.dpt(x, k, obs)
        return out
