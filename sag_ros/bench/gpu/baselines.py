"""Dense denoising with torch on the device: what sparse engines are compared with.

The whole network once a step, all T tokens, conditioning and all; sample, features and noise stay on the
device for the whole chunk and the host waits once, at its end.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sag_ros.engines.gpu.device import DTYPES
from sag_ros.engines.gpu.graphs import make_graphs
from sag_ros.policy.bundle import PolicyBundle
from sag_ros.policy.schedule import CoefficientTable
from sag_ros.pruning.rollout import apply_row

Mode = Literal["eager", "graph", "compile"]
HOW = {
    "f32": "f32 weights and products, without TF32",
    "bf16": "weights cast to bf16, all of the network in bf16; sample and sampler f32",
    "f16": "weights cast to f16, all of the network in f16; sample and sampler f32",
}


class TorchDense:
    """A dense chunk on ``device``.

    Attributes:
        events: as those of a GPU engine.
    """

    name = "torch"

    def __init__(
        self,
        bundle: PolicyBundle,
        table: CoefficientTable,
        device: torch.device,
        precision: str = "f32",
        mode: Mode = "eager",
    ) -> None:
        """Allocate; ``graph`` records all steps as one CUDA graph, ``compile`` compiles at the first chunk
        with ``mode="reduce-overhead"``.

        Raises:
            RuntimeError: torch cannot record or compile it.
        """
        config, steps = bundle.dpt.config, len(table)
        self.precision, self.events = precision, None
        self._dtype = DTYPES[precision]
        self._table, self._executed = table, bundle.contract.executed
        self._network: Any = copy.deepcopy(bundle.dpt).eval().requires_grad_(False).to(device, self._dtype)
        shape = steps + 1, 1, config.horizon, config.action_dim
        self._noise = torch.zeros(shape, device=device)
        self._obs = torch.zeros(1, config.obs_steps, config.obs_dim, device=device)
        self._x = torch.zeros(shape[1:], device=device)
        self._timesteps = torch.from_numpy(table.timesteps.copy()).to(device)
        locked = device.type == "cuda"
        self._host = [
            torch.zeros(like.shape, pin_memory=locked) for like in (self._noise, self._obs, self._x)
        ]
        self._given = [part.numpy() for part in self._host]
        if device.type == "cuda":
            torch.cuda.synchronize(device)  # chunks are on another stream
        self._graphs = make_graphs(device)
        self._work: Callable[[], object] = self._chunk
        if mode == "compile":
            self._network = torch.compile(self._network, mode="reduce-overhead", dynamic=False)
            self._mark_step = torch.compiler.cudagraph_mark_step_begin
        else:
            self._mark_step = _nothing
        if mode == "graph":
            with torch.inference_mode():
                self._work = self._graphs.capture(self._chunk, _nothing)
        # Compiled code and tensors of inference mode do not always go together.
        self._mode = torch.no_grad if mode == "compile" else torch.inference_mode

    def _chunk(self) -> None:
        x, obs = self._noise[0], self._obs.to(self._dtype)
        for index in range(len(self._table)):
            self._mark_step()
            eps = self._network(x.to(self._dtype), self._timesteps[index : index + 1], obs).float()
            row = self._table.coefficients[index]
            x = apply_row(row, self._table.clip, x, eps, self._noise[index + 1])
        self._x.copy_(x)

    def denoise(
        self, obs_features: NDArray[np.float32], plan: object, noise: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """As Engine.denoise; the plan is ignored."""
        self._given[0][:, 0] = noise
        self._given[1][0] = obs_features
        with self._mode(), self._graphs.running():
            self._noise.copy_(self._host[0], non_blocking=True)
            self._obs.copy_(self._host[1], non_blocking=True)
            self._mark(0)
            self._work()
            self._mark(1)
            self._host[2].copy_(self._x, non_blocking=True)
        self._graphs.synchronise()
        return self._given[2][0, self._executed].copy()

    def _mark(self, index: int) -> None:
        if self.events is not None:
            self.events[index].record()


def _nothing(*_: Tensor) -> None:
    pass
