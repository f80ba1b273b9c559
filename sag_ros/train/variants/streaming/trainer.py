"""Loss and loop of the training for Streaming Diffusion Policy; see ``command``."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sag_ros.policy.bundle import PolicyBundle
from sag_ros.policy.contract import Contract
from sag_ros.policy.dpt import DPT
from sag_ros.policy.samplers.streaming import Segments
from sag_ros.policy.schedule import CoefficientTable, cosine_alphas_cumprod
from sag_ros.pruning.rollout import apply_row
from sag_ros.train.data.noise import feature_deviation
from sag_ros.train.data.windows import Windows
from sag_ros.train.policy.denoiser import NoiseLoss
from sag_ros.train.run.ema import Ema
from sag_ros.train.run.loop import Loop
from sag_ros.train.run.precision import autocast
from sag_ros.train.variants.streaming.options import StreamingOptions


class StreamingLoss:
    """Epsilon prediction where each token has its own level; waiting tokens do not count.

    Args:
        clean_weight: as :class:`sag_ros.train.policy.denoiser.NoiseLoss`.
    """

    def __init__(self, segments: Segments, clean_weight: float) -> None:
        steps = segments.steps
        alpha_bar = torch.tensor(np.array(cosine_alphas_cumprod(steps)), dtype=torch.float32)
        levels = torch.from_numpy(np.stack([segments.levels(phase) for phase in range(steps)]))  # (K, T)
        self.counts = (levels < steps).float()
        levels = levels.clamp(max=steps - 1)
        self.signal, self.noise = alpha_bar[levels].sqrt(), (1.0 - alpha_bar[levels]).sqrt()
        # Pure noise, not almost: nothing has been denoised there yet.
        self.signal, self.noise = self.signal * self.counts, self.noise.where(self.counts > 0, torch.ones(()))
        ratio = ((1.0 - alpha_bar) / alpha_bar).clamp(max=NoiseLoss.CLEAN_CAP)
        self.weights = (1.0 + clean_weight * ratio)[levels] * self.counts

    def __call__(self, model: DPT, features: Tensor, actions: Tensor, phase: Tensor, noise: Tensor) -> Tensor:
        """Weighted mean square error of the predicted noise, 0-d.

        features (B, To, D); actions, noise (B, T, A); phase (B,) in 0 ... K - 1.
        """
        sample = self.signal[phase, :, None] * actions + self.noise[phase, :, None] * noise
        error = (model(sample, phase, features).float() - noise).square().mean(dim=-1)
        return (error * self.weights[phase]).sum() / self.counts[phase].sum()


@torch.no_grad()
def denoise(
    model: DPT, table: CoefficientTable, features: Tensor, sample: Tensor, first: int, seed: int
) -> Tensor:
    """Steps ``first`` ... K - 1 from ``sample`` (B, T, A); returns the last sample."""
    generator = torch.Generator().manual_seed(seed)
    for step in range(first, len(table)):
        eps = model(sample, int(table.timesteps[step]), features)
        noise = torch.randn(sample.shape, generator=generator)
        sample = apply_row(table.coefficients[step], table.clip, sample, eps, noise)
    return sample


class StreamingTrainer:
    """Loss, validation and loop of one training."""

    def __init__(
        self,
        config: StreamingOptions,
        contract: Contract,
        model: DPT,
        training: Windows,
        validation: Windows,
        bundle: PolicyBundle,
    ) -> None:
        self.config, self.contract, self.model = config, contract, model
        self.training, self.validation = training, validation
        self.normaliser = bundle.normaliser
        self.segments = Segments(
            contract.diffusion.steps, contract.horizon, contract.observation_steps, contract.action_steps
        )
        self.table = self.segments.table(contract.clip)
        self.noise_loss = StreamingLoss(self.segments, config.clean_weight)
        self.plain_loss = StreamingLoss(self.segments, 0.0)
        self.deviation = feature_deviation(contract, config.feature_noise, config.state_noise)
        self.ema = Ema(model, config.ema_power, config.ema_maximum)
        optimizer = torch.optim.AdamW(
            model.optim_groups(config.weight_decay), config.loop.learning_rate, betas=config.betas
        )
        extra = {
            "contract": json.dumps(contract.model_dump()),
            "encoder": bundle.encoder.state_dict(),
            "normaliser": bundle.normaliser.state_dict(),
        }
        self.loop = Loop(
            config.out,
            "streaming",
            config.loop,
            model,
            optimizer,
            len(training),
            config.seed,
            self.ema,
            extra,
        )

    def loss(self, indices: Tensor) -> Tensor:
        """Of a batch of windows."""
        config, segments = self.config, self.segments
        features, actions = self.training.at(indices)
        features = features + self.deviation * torch.randn_like(features)
        count = len(indices)
        steady = torch.rand(count) < config.steady_share
        phase = torch.where(
            steady,
            torch.randint(segments.stride, (count,)),
            torch.randint(segments.stride, segments.steps, (count,)),
        )
        noise = torch.randn_like(actions)
        with autocast(config.bf16):
            return self.noise_loss(self.model, features, actions, phase, noise)

    def validate(self) -> dict[str, Any]:
        """Loss on held-out windows, and the error of the actions of a first chunk and of the one after it."""
        windows, model = self.validation, self.ema.module
        if not len(windows):
            return {}
        count = min(self.config.validation_windows, len(windows))
        features, actions = windows.at(torch.linspace(0, len(windows) - 1, count).long())
        noise = torch.randn(actions.shape, generator=torch.Generator().manual_seed(0))
        phase = torch.arange(count) % self.segments.stride
        loss = self.plain_loss(model, features, actions, phase, noise)  # type: ignore[arg-type]
        return {"validation_loss": float(loss), **self._action_errors(model)}  # type: ignore[arg-type]

    def _action_errors(self, model: DPT) -> dict[str, Any]:
        first, second = pairs(
            self.validation, self.segments.action_steps, self.config.validation_windows // 3
        )
        if not len(first):
            return {}
        errors, executed = {}, self.contract.executed
        scale, _ = self.normaliser.vectors("action")
        generator = torch.Generator().manual_seed(1)
        shape = (len(first), self.contract.horizon, self.contract.action_dim)
        sample, begin = torch.randn(shape, generator=generator), 0
        for name, chosen in (("first", first), ("action", second)):
            features, actions = self.validation.at(chosen)
            sample = denoise(model, self.table, features, sample, begin, seed=begin)
            error = ((sample - actions)[:, executed] / scale).abs().mean(dim=(0, 1)) * 1e3
            errors[f"{name}_error"] = {"mrad": float(error[:-1].mean()), "mm": float(error[-1])}
            noise = torch.randn(shape, generator=generator).numpy()
            sample = torch.from_numpy(
                self.segments.shifted(sample.numpy(), self.contract.action_steps, noise)
            )
            begin = self.segments.steps - self.segments.stride
        return errors


def pairs(windows: Windows, apart: int, count: int) -> tuple[Tensor, Tensor]:
    """At most ``count`` windows spread over all, and those that begin ``apart`` frames later."""
    frames = windows.frames
    if len(frames) <= apart:
        return torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64)
    follows = torch.nonzero((frames[apart:] == frames[:-apart] + apart).all(dim=1)).flatten()
    chosen = follows[torch.linspace(0, max(len(follows) - 1, 0), min(count, len(follows))).long()]
    return chosen, chosen + apart
