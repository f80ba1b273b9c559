"""A U-Net on a GPU: one CUDA graph does a whole denoising step, a chunk is as many replays as steps.

What conditions do to the channels is the sum of a part of the step, tabulated here, and a part of the
observed frames, computed once a chunk (``UNet.body``). The sample stays on the device from the first step to
the last.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from sag_ros.engines.checked import CheckedEngine, Float32
from sag_ros.engines.gpu.blocks import tensor
from sag_ros.engines.gpu.device import DTYPES, choose_device, choose_precision, full_sums
from sag_ros.engines.gpu.graphs import Work, make_graphs
from sag_ros.engines.gpu.sampler_step import update
from sag_ros.engines.savings.step_tail import sampler_rows
from sag_ros.engines.whole import require_whole
from sag_ros.policy.schedule import CoefficientTable
from sag_ros.policy.unet import UNet
from sag_ros.pruning.plan import Plan

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle


class UNetWork:
    """What is recorded, on buffers that stay where they are; n steps, M numbers of all conditions.

    Attributes:
        x: (T, A) sample. samples: (n + 1, T, A), before each step and after all.
        noise: (n + 1, T, A), scaled but for the first. features: (1, To, D). step: (1,), the next one.
        films: (n, M) of the steps. frames: (1, M) of the observed frames, by weight: (M, To D); float32.
        rows, estimates: (n, T or 1, 6), see ``savings.step_tail.sampler_rows``; of steps that end at x0.
    """

    def __init__(
        self, network: UNet, table: CoefficientTable, dtype: torch.dtype, device: torch.device
    ) -> None:
        config, steps = network.config, len(table)
        with torch.no_grad():
            films = network.film_of_steps(torch.tensor(table.timesteps.tolist())).float()
            self.weight = network.frame_weights().float().to(device)
        self.body = copy.deepcopy(network).eval().to(device, dtype)
        self.dtype, self.films = dtype, films.to(device)
        self.rows = tensor(sampler_rows(table.by_token(), table.clip), torch.float32).to(device)
        self.estimates = tensor(sampler_rows(table.estimates_by_token(), table.clip), torch.float32).to(
            device
        )
        shape = config.horizon, config.action_dim
        self.x = torch.zeros(shape, device=device)
        self.samples, self.noise = (torch.zeros(steps + 1, *shape, device=device) for _ in range(2))
        self.features = torch.zeros(1, config.obs_steps, config.obs_dim, device=device)
        self.frames = torch.zeros(1, films.shape[1], device=device)
        self.step = torch.zeros(1, dtype=torch.int64, device=device)

    def rewind(self) -> None:
        """Back to the first step."""
        self.step.zero_()

    def begin(self) -> None:
        """Take the first sample and the observed frames."""
        self.x.copy_(self.noise[0])
        self.frames.copy_(functional.linear(functional.mish(self.features.flatten(1)), self.weight))

    def advance(self, estimate: bool = False) -> None:
        """One step."""
        film = self.films.index_select(0, self.step) + self.frames
        eps = self.body.body(self.x[None].to(self.dtype), film.to(self.dtype))[0].float()
        row = (self.estimates if estimate else self.rows).index_select(0, self.step)[0]
        self.step.add_(1)
        update(self.x, eps, row, self.noise.index_select(0, self.step)[0])
        self.samples.index_copy_(0, self.step, self.x[None])


class CudaGraphUNet(CheckedEngine):
    """See the module; not thread-safe.

    Args:
        precision: ``f32``, which ``auto`` takes, or ``bf16``, ``f16``: dozens of normalised convolutions in a
            row round to some percent of an action.
        device: ``auto`` is the current GPU; ``cpu`` does the same operations there, for checks.
        all_tokens: said of transformers; a U-Net always computes all.

    Raises:
        ValueError: no GPU, or unknown precision.
    """

    name = "cuda_graph"

    def __init__(
        self,
        bundle: PolicyBundle,
        table: CoefficientTable,
        precision: str = "auto",
        device: str = "auto",
        all_tokens: bool = False,
    ) -> None:
        super().__init__(bundle, table, bundle.contract.horizon)
        network = bundle.denoiser
        assert isinstance(network, UNet)  # as the registry asked
        chosen = choose_device(device)
        self.device = chosen
        self.precision = choose_precision("f32" if precision == "auto" else precision, chosen)
        self._noise_scale = table.by_token()[..., 5:].copy()
        with torch.inference_mode(), full_sums(), _unrounded():
            self._work = UNetWork(network, table, DTYPES[self.precision], chosen)
            self._graphs = make_graphs(chosen)
            self._begin, self._step, self._end_estimate = (
                self._capture(work)
                for work in (self._work.begin, self._work.advance, lambda: self._work.advance(estimate=True))
            )

    def _capture(self, work: Work) -> Work:
        return self._graphs.capture(work, self._work.rewind)

    def _denoise(
        self, obs_features: Float32, plan: Plan, noise: Float32, first_step: int, trace: Float32 | None
    ) -> Float32:
        require_whole(plan)
        work = self._work
        with torch.inference_mode(), self._graphs.running():
            self._upload(obs_features, noise, first_step)
            self._begin()
            for _ in range(first_step, len(self._table)):
                self._step()
            x, samples = work.x.cpu(), None if trace is None else work.samples.cpu()
        self._graphs.synchronise()
        if trace is not None and samples is not None:
            trace[first_step] = noise[0]
            trace[first_step + 1 :] = samples.numpy()[first_step + 1 :]
        return x.numpy()[self._executed].copy()

    def _estimate(self, obs_features: Float32, sample: Float32, step: int) -> Float32:
        noise = np.zeros(tuple(self._work.noise.shape), np.float32)
        noise[0] = sample
        with torch.inference_mode(), self._graphs.running():
            self._upload(obs_features, noise, step)
            self._begin()
            self._end_estimate()
            x = self._work.x.cpu()
        self._graphs.synchronise()
        return x.numpy().copy()

    def _upload(self, obs_features: Float32, noise: Float32, first_step: int) -> None:
        scaled = np.array(noise, np.float32)
        np.multiply(noise[1:], self._noise_scale, out=scaled[1:], casting="unsafe")
        self._work.noise.copy_(torch.from_numpy(scaled))
        self._work.features.copy_(torch.tensor(obs_features, dtype=torch.float32)[None])
        self._work.step.fill_(first_step)


@contextmanager
def _unrounded() -> Iterator[None]:
    """Convolutions that are recorded in this context do not round float32 to TF32."""
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        yield
