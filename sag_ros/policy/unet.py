"""The U-Net of Diffusion Policy: convolutions along the horizon, conditioned channel by channel.

Chi et al., arXiv 2303.04137, section 3.1 (CNN-based), without local conditions; FiLM: arXiv 1709.07871.
Parameters have the public checkpoints' names without ``model.``. There is nothing to prune: masks are of
transformer blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sag_ros.policy.dpt import sinusoidal

_LAST_GROUPS = 8  # of the last norm, whatever the others have: so are the public networks


@dataclass(frozen=True)
class UNetConfig:
    """Size of a U-Net.

    Attributes:
        action_dim: A, length of one action.
        obs_dim: D, length of the features of one observed frame.
        horizon: T, action tokens; halved len(down_dims) - 1 times.
        obs_steps: To, observed frames.
        down_dims: channels on each level.
        kernel_size: of convolutions, odd. groups: of group norms. step_dim: of the embedding of the step.
        film_scale: whether conditions scale channels, or only shift them.
    """

    action_dim: int
    obs_dim: int
    horizon: int
    obs_steps: int
    down_dims: tuple[int, ...] = (256, 512, 1024)
    kernel_size: int = 5
    groups: int = 8
    step_dim: int = 128
    film_scale: bool = True

    @property
    def blocks(self) -> int:
        """Columns of a mask; a U-Net is computed whole, so they say no more than whether it is."""
        return 3

    @property
    def condition_dim(self) -> int:
        """Of all frames together."""
        return self.obs_steps * self.obs_dim


class _ConvBlock(nn.Module):
    """Convolution, group norm, Mish."""

    def __init__(self, channels_in: int, channels: int, size: int, groups: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv1d(channels_in, channels, size, padding=size // 2),
            nn.GroupNorm(groups, channels),
            nn.Mish(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.block(x)


class _ResidualBlock(nn.Module):
    """Two convolutions; between them the condition scales and shifts each channel."""

    cond_encoder: Any  # a module that is indexed

    def __init__(self, channels_in: int, channels: int, config: UNetConfig) -> None:
        super().__init__()
        self.channels, self.scaled = channels, config.film_scale
        sizes = config.kernel_size, config.groups
        self.blocks = nn.ModuleList(
            [_ConvBlock(channels_in, channels, *sizes), _ConvBlock(channels, channels, *sizes)]
        )
        condition = config.step_dim + config.condition_dim
        self.cond_encoder = nn.Sequential(nn.Mish(), nn.Linear(condition, self.film_size))
        self.residual_conv: nn.Module = nn.Identity()
        if channels_in != channels:
            self.residual_conv = nn.Conv1d(channels_in, channels, 1)

    @property
    def film_size(self) -> int:
        """Numbers of its condition."""
        return self.channels * (2 if self.scaled else 1)

    def forward(self, x: Tensor, film: Tensor) -> Tensor:
        y = self.blocks[0](x)
        if self.scaled:
            scale, shift = film.reshape(-1, 2, self.channels, 1).unbind(1)
            y = scale * y + shift
        else:
            y = y + film[..., None]
        return self.blocks[1](y) + self.residual_conv(x)


class _Resized(nn.Module):
    """Half as many tokens, or twice as many; ``conv`` is the public checkpoints' name."""

    def __init__(self, conv: nn.Module) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class UNet(nn.Module):
    """Noise predictor eps(sample, timestep, cond).

    ``forward`` equals ``body(sample, film_of_steps(timestep) + film_of_frames(cond))``: what conditions do to
    the channels is linear in the step's part and the frames' part, so each is computed once.
    """

    down_modules: Any  # lists of modules, which have no types
    mid_modules: Any
    up_modules: Any

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.config = config
        width = config.step_dim
        self.diffusion_step_encoder = nn.Sequential(
            nn.Identity(), nn.Linear(width, 4 * width), nn.Mish(), nn.Linear(4 * width, width)
        )
        levels = [config.action_dim, *config.down_dims]
        pairs = list(pairwise(levels))
        down, up = [], []
        for number, (before, after) in enumerate(pairs):
            blocks = [_ResidualBlock(before, after, config), _ResidualBlock(after, after, config)]
            half = nn.Identity() if number == len(pairs) - 1 else _Resized(nn.Conv1d(after, after, 3, 2, 1))
            down.append(nn.ModuleList([*blocks, half]))
        for before, after in reversed(pairs[1:]):
            blocks = [_ResidualBlock(2 * after, before, config), _ResidualBlock(before, before, config)]
            twice = _Resized(nn.ConvTranspose1d(before, before, 4, 2, 1))
            up.append(nn.ModuleList([*blocks, twice]))
        middle, first = levels[-1], levels[1]
        self.mid_modules = nn.ModuleList([_ResidualBlock(middle, middle, config) for _ in range(2)])
        self.down_modules, self.up_modules = nn.ModuleList(down), nn.ModuleList(up)
        self.final_conv = nn.Sequential(
            _ConvBlock(first, first, config.kernel_size, _LAST_GROUPS), nn.Conv1d(first, config.action_dim, 1)
        )

    def _residual_blocks(self) -> Iterator[_ResidualBlock]:
        """In the order in which they are run."""
        for level in self.down_modules:
            yield from level[:2]
        yield from self.mid_modules
        for level in self.up_modules:
            yield from level[:2]

    def _films(self) -> list[nn.Linear]:
        """What makes the conditions of each residual block; all together M numbers."""
        return [block.cond_encoder[1] for block in self._residual_blocks()]

    def frame_weights(self) -> Tensor:
        """(M, To D) of the observed frames."""
        return torch.cat([one.weight[:, self.config.step_dim :] for one in self._films()])

    def film_of_steps(self, timesteps: Tensor) -> Tensor:
        """(N,) steps -> (N, M), bias included."""
        width, films = self.config.step_dim, self._films()
        embedded = self.diffusion_step_encoder(sinusoidal(timesteps, width).to(films[0].bias.dtype))
        x = functional.mish(embedded)
        return torch.cat([functional.linear(x, one.weight[:, :width], one.bias) for one in films], dim=1)

    def film_of_frames(self, cond: Tensor) -> Tensor:
        """(B, To, D) -> (B, M)."""
        x, width = functional.mish(cond.flatten(1)), self.config.step_dim
        return torch.cat([functional.linear(x, one.weight[:, width:]) for one in self._films()], dim=1)

    def body(self, sample: Tensor, film: Tensor) -> Tensor:
        """(B, T, A) and the conditions of all blocks (B, M) -> (B, T, A)."""
        parts = iter(film.split([block.film_size for block in self._residual_blocks()], dim=1))
        x, kept = sample.transpose(1, 2), []
        for first, second, down in self.down_modules:
            x = second(first(x, next(parts)), next(parts))
            kept.append(x)
            x = down(x)
        for block in self.mid_modules:
            x = block(x, next(parts))
        for first, second, up in self.up_modules:
            x = torch.cat((x, kept.pop()), dim=1)
            x = up(second(first(x, next(parts)), next(parts)))
        return self.final_conv(x).transpose(1, 2)

    def forward(self, sample: Tensor, timestep: Tensor | int, cond: Tensor) -> Tensor:
        """Predict the noise: (B, T, A), (B,) or a number, (B, To, D) -> (B, T, A)."""
        steps = torch.as_tensor(timestep, device=cond.device).reshape(-1).expand(cond.shape[0])
        return self.body(sample, self.film_of_steps(steps) + self.film_of_frames(cond))
