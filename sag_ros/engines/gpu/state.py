"""Static device buffers of one policy with one sampler, and what goes up to them and down from them.

T' tokens, A action dimensions, d width, L layers, H heads, S memory tokens, n steps.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sag_ros.engines.gpu.blocks import tensor
from sag_ros.engines.gpu.launches import Launches
from sag_ros.engines.savings.cross_attention import HIDDEN, HeadMatrices, time_table, time_tokens
from sag_ros.engines.savings.folded_weights import FoldedWeights
from sag_ros.engines.savings.step_tail import sampler_rows
from sag_ros.policy.dpt import DPT
from sag_ros.policy.schedule import CoefficientTable

ALIGNMENT = 256  # bytes; TensorRT expects the addresses of inputs and outputs to be multiples of it


class Constants:
    """Tables of the checkpoint and the sampler, float32.

    Attributes:
        embed: (A, d). positions: (T', d).
        rows, estimates: (n, T' or 1, 6), see ``savings.step_tail.sampler_rows``; of steps that end at x0.
        noise_scale: (n, T' or 1, 1) float64, on the host.
        time: (L, n, 2, H, d), A and B of the time token. time_bias: (L, n, H).
        hidden: (T', To, 1), added to the frames' scores.
    """

    def __init__(
        self, dpt: DPT, weights: FoldedWeights, matrices: HeadMatrices, table: CoefficientTable, tokens: int
    ) -> None:
        coefficients = table.by_token()[:, :tokens]
        clean = table.estimates_by_token()
        a, bias, b = time_table(matrices, time_tokens(dpt, table.timesteps), dpt.config)
        visible = np.arange(tokens)[:, None] >= np.arange(dpt.config.obs_steps)
        single = torch.float32
        self.embed = tensor(weights.embed.T, single)
        self.positions = tensor(weights.positions[:tokens], single)
        self.rows = tensor(sampler_rows(coefficients, table.clip), single)
        self.estimates = tensor(sampler_rows(clean[:, :tokens], table.clip), single)
        self.noise_scale = coefficients[..., 5:].copy()
        self.time = tensor(np.stack([a, b], axis=2).swapaxes(0, 1), single)
        self.time_bias = tensor(bias.swapaxes(0, 1), single)
        self.hidden = tensor(np.where(visible, 0.0, HIDDEN)[..., None], single)

    def to(self, device: torch.device) -> None:
        """Move every tensor."""
        for name, value in vars(self).items():
            if isinstance(value, Tensor):
                setattr(self, name, value.to(device))


class State:
    """What a chunk writes. Host buffers are page-locked, so that copies need not be waited for.

    Attributes:
        h: (T', d) stream. x: (T', A) sample. offset: (T', d), what is added to the embedding in idle steps.
        cache: (3L, T', d). samples: (n + 1, T', A), before each step and after all.
        memory: (L, 2, S, H, d), A and B, the time token first. bias: (L, T', S, H).
        noise: (n + 1, T', A), scaled but for the first. features: (To, D).
        counters: (2,), the next row of weights and the next step; ``entry`` and ``step`` are its parts.
    """

    def __init__(self, dpt: DPT, steps: int, tokens: int, device: torch.device) -> None:
        config = dpt.config
        width, actions, heads, layers = config.width, config.action_dim, config.heads, config.layers

        def zeros(*shape: int) -> Tensor:
            return torch.zeros(*shape, device=device)

        self.h, self.x, self.offset = zeros(tokens, width), zeros(tokens, actions), zeros(tokens, width)
        self.cache = zeros(config.blocks, tokens, width)
        self.samples = zeros(steps + 1, tokens, actions)
        self.memory = zeros(layers, 2, config.memory_tokens, heads, width)
        self.bias = zeros(layers, tokens, config.memory_tokens, heads)
        self._given = zeros((steps + 1) * tokens * actions + config.obs_steps * config.obs_dim)
        self._weights = zeros(steps * (config.blocks + 1) * (config.blocks + 1))
        self.noise, self.features = _parts(self._given, steps, tokens, dpt)
        self.counters = torch.zeros(2, dtype=torch.int64, device=device)
        self.entry, self.step = self.counters[:1], self.counters[1:]

        def host(like: Tensor) -> Tensor:
            return torch.zeros(like.shape, dtype=like.dtype, pin_memory=device.type == "cuda")

        self._host_given, self._host_weights = host(self._given), host(self._weights)
        self._host_noise, self._host_features = (
            part.numpy() for part in _parts(self._host_given, steps, tokens, dpt)
        )
        self._host_rows = self._host_weights.numpy()
        self._host_counters, self._host_x = host(self.counters), host(self.x)
        self._host_samples = host(self.samples)

    def align(self) -> None:
        """Let every ``cache[i]``, ``memory[i, j]`` and ``bias[i]`` begin at multiples of ``ALIGNMENT`` bytes,
        for a library that is handed their addresses. Before anything is recorded: they move."""
        for name, count in (("cache", 1), ("memory", 2), ("bias", 1)):
            old = getattr(self, name)
            setattr(self, name, aligned(old.shape[:count], old.shape[count:], old.device))

    def weights(self, slots: int) -> Tensor:
        """(rows, slots + 1), the launches' table under a reuse rule of so many slots."""
        rows = len(self._weights) // (len(self.cache) + 1)
        return self._weights[: rows * (slots + 1)].view(rows, slots + 1)

    def upload(
        self,
        obs_features: NDArray[np.float32],
        noise: NDArray[np.floating],
        scale: NDArray[np.float64],
        first_step: int = 0,
    ) -> None:
        """Ask for the copies of features (To, D) and noise (n + 1, T', A)."""
        self._host_noise[0] = noise[0]
        np.multiply(noise[1:], scale, out=self._host_noise[1:], casting="unsafe")
        self._host_features[:] = obs_features
        self._host_counters[1] = first_step
        self._given.copy_(self._host_given, non_blocking=True)
        self.counters.copy_(self._host_counters, non_blocking=True)

    def upload_launches(self, launches: Launches) -> None:
        """Ask for the copy of the launches' table."""
        table = launches.table
        count = table.size
        self._host_rows[:count] = table.ravel()
        self._weights[:count].copy_(self._host_weights[:count], non_blocking=True)

    def download(self, traced: bool) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Ask for the copies of the sample (T', A) and, if ``traced``, all samples (n + 1, T', A); valid once
        the stream is done, and until the next call."""
        self._host_x.copy_(self.x, non_blocking=True)
        if traced:
            self._host_samples.copy_(self.samples, non_blocking=True)
        return self._host_x.numpy(), self._host_samples.numpy()

    def rewind(self) -> None:
        """Back to the first row of weights and the first step."""
        self.counters.zero_()

    def poison(self) -> None:
        """Not-a-number everywhere: who reads what was not written for this chunk will tell."""
        for value in vars(self).values():
            if isinstance(value, Tensor) and value.is_floating_point():
                value.fill_(float("nan"))


def aligned(count: tuple[int, ...], shape: tuple[int, ...], device: torch.device) -> Tensor:
    """Float32 zeros (*count, *shape) whose parts of ``shape`` are contiguous and begin at multiples of
    ``ALIGNMENT`` bytes behind the first."""
    step = ALIGNMENT // 4
    stride = -(-math.prod(shape) // step) * step
    padded = torch.zeros(*count, stride, device=device)
    return padded[..., : math.prod(shape)].unflatten(-1, shape)


def _parts(flat: Tensor, steps: int, tokens: int, dpt: DPT) -> tuple[Tensor, Tensor]:
    """Noise (n + 1, T', A) and features (To, D) in one buffer."""
    config = dpt.config
    count = (steps + 1) * tokens * config.action_dim
    noise = flat[:count].view(steps + 1, tokens, config.action_dim)
    return noise, flat[count:].view(config.obs_steps, config.obs_dim)
