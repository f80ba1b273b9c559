"""Stage 2: DP-T learns to predict the noise in action windows (arXiv 2303.04137), on frozen features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sag_ros.policy.contract import Contract
from sag_ros.policy.dpt import DPT
from sag_ros.policy.normaliser import Normaliser
from sag_ros.policy.samplers import build_table
from sag_ros.policy.schedule import CoefficientTable, cosine_alphas_cumprod
from sag_ros.train.data.noise import feature_deviation
from sag_ros.train.data.windows import Windows
from sag_ros.train.run.ema import Ema
from sag_ros.train.run.loop import Loop, LoopConfig
from sag_ros.train.run.precision import autocast
from sag_ros.train.run.stop import Stop


@dataclass(frozen=True)
class DenoiserTraining:
    """Stage 2, DP-T on frozen features."""

    loop: LoopConfig = field(default_factory=lambda: LoopConfig(10_000, 64, 3e-4, 500))
    weight_decay: float = 1e-3
    """on weights of Linear and attention only"""
    betas: tuple[float, float] = (0.9, 0.95)
    dropout: float = 0.0
    """in the layers; above 0 attention runs in a slower kernel"""
    ema_power: float = 0.75
    ema_maximum: float = 0.9999
    executed_weight: float = 1.0
    """loss weight of the executed tokens, others 1 (the public implementation: 1)"""
    full_share: float = 1.0
    """share of steps on all T tokens (the public implementation: 1); the others take the tokens up to the
    last executed one, which by causality never see the rest: 9 of 16 tokens at almost half the time"""
    clean_weight: float = 10.0
    """weight of the error of the clean actions beside that of the noise (the public implementation: 0). Where
    the sample is almost pure noise, the noise says nothing about the actions and the plain loss hardly asks
    what the observation implies"""
    feature_noise: float = 0.05
    """on the camera features, in their standard deviations"""
    state_noise: float = 0.005
    """on the normalised state"""
    augmented_copies: int = 1
    """features of so many photometric variants of each frame beside the recorded one"""
    bf16: bool | None = None
    """bfloat16 autocast; None: where the CPU multiplies it, elsewhere it takes eight times as long"""
    validation_windows: int = 192
    """for the noise loss; a third of them are sampled for the action error"""
    validation_sampler: str = "ddim16"


class NoiseLoss:
    """Epsilon prediction on noised action windows.

    Args:
        steps: K.
        weights: (T,) of the tokens, mean 1.
        clean_weight: weight of the same error measured on the clean actions it implies, which is
            ``(1 - alpha_bar) / alpha_bar`` times as large, at most ``CLEAN_CAP`` times.
    """

    CLEAN_CAP = 25.0

    def __init__(self, steps: int, weights: Tensor, clean_weight: float = 0.0) -> None:
        alpha_bar = torch.tensor(np.array(cosine_alphas_cumprod(steps)), dtype=torch.float32)
        ratio = ((1.0 - alpha_bar) / alpha_bar).clamp(max=self.CLEAN_CAP)
        self.step_weights = 1.0 + clean_weight * ratio
        self.steps = steps
        self.signal, self.noise = alpha_bar.sqrt(), (1.0 - alpha_bar).sqrt()
        self.weights = weights

    def __call__(self, model: DPT, features: Tensor, actions: Tensor, k: Tensor, noise: Tensor) -> Tensor:
        """Weighted mean square error of the predicted noise, 0-d.

        features (B, To, D); actions, noise (B, T', A), T' <= T leading tokens; k (B,) in 0 ... K-1.
        """
        sample = self.signal[k, None, None] * actions + self.noise[k, None, None] * noise
        error = (model(sample, k, features).float() - noise).square().mean(dim=-1)
        weights = self.weights[: actions.shape[1]]
        return (error * weights * self.step_weights[k, None]).mean() / weights.mean()


def spread_steps(steps: int, batch: int) -> Tensor:
    """(B,) steps of 0 ... K-1, each as likely as another, spread evenly over all.

    Steps weigh very differently; a batch that happens to have few of the heavy ones would pull elsewhere.
    """
    return ((torch.arange(batch) + torch.rand(batch)) * steps / batch).long().clamp(max=steps - 1)


def take_over(model: DPT, other: DPT) -> str:
    """Give ``model`` those weights of ``other`` that have the same name and shape; says how many."""
    own, weights = model.state_dict(), other.state_dict()
    alike = {key: value for key, value in weights.items() if key in own and own[key].shape == value.shape}
    model.load_state_dict(alike, strict=False)
    return f"{len(alike)} of {len(own)} tensors of the denoiser taken over"


def token_weights(contract: Contract, executed: float) -> Tensor:
    """(T,) weights, mean 1: ``executed`` for the executed tokens against 1 for the others."""
    weights = torch.ones(contract.horizon)
    weights[contract.executed] = executed
    return weights / weights.mean()


@torch.no_grad()
def sample_actions(model: DPT, table: CoefficientTable, features: Tensor, seed: int) -> Tensor:
    """Denoise whole windows: features (B, To, D) -> normalised actions (B, T, A), any number of windows."""
    generator = torch.Generator().manual_seed(seed)
    shape = (len(features), model.config.horizon, model.config.action_dim)
    x = torch.randn(shape, generator=generator)
    for timestep, c in zip(table.timesteps.tolist(), table.coefficients.tolist(), strict=True):
        eps = model(x, timestep, features)
        x0 = (c[0] * x + c[1] * eps).clamp(-table.clip, table.clip)
        x = c[2] * x0 + c[3] * x + c[4] * eps
        if c[5]:
            x = x + c[5] * torch.randn(shape, generator=generator)
    return x


def action_error(
    model: DPT, table: CoefficientTable, windows: Windows, normaliser: Normaliser, executed: slice, count: int
) -> dict[str, float]:
    """Mean absolute error of the executed actions against the demonstration: ``mrad`` and ``mm``.

    Of ``count`` windows spread over all; joints and gripper width. Of actions in other units, thousandths of
    what they are in, all but the last, and the last.
    """
    chosen = torch.linspace(0, len(windows) - 1, min(count, len(windows))).long()
    features, actions = windows.at(chosen)
    difference = sample_actions(model, table, features, seed=0)[:, executed] - actions[:, executed]
    scale, _ = normaliser.vectors("action")
    error = (difference / scale).abs().mean(dim=(0, 1)) * 1e3
    return {"mrad": float(error[:-1].mean()), "mm": float(error[-1])}


def train_denoiser(
    folder: Path,
    config: DenoiserTraining,
    contract: Contract,
    model: DPT,
    normaliser: Normaliser,
    training: Windows,
    validation: Windows,
    seed: int,
    stop: Stop,
    extra: Mapping[str, Any],
) -> bool:
    """Train ``model`` (or continue) in ``folder``; returns whether the end was reached.

    The averaged weights are in ``<folder>/checkpoint.pt`` beside ``extra``.
    """
    ema = Ema(model, config.ema_power, config.ema_maximum)
    noise_loss = NoiseLoss(
        contract.diffusion.steps, token_weights(contract, config.executed_weight), config.clean_weight
    )
    plain_loss = NoiseLoss(contract.diffusion.steps, torch.ones(contract.horizon))
    deviation = feature_deviation(contract, config.feature_noise, config.state_noise)
    table = build_table(config.validation_sampler, contract.diffusion.steps, contract.clip)

    def loss(indices: Tensor) -> Tensor:
        features, actions = training.at(indices, augmented=True)
        if config.full_share < 1.0 and float(torch.rand(())) >= config.full_share:
            actions = actions[:, : contract.executed.stop]
        features = features + deviation * torch.randn_like(features)
        k = spread_steps(noise_loss.steps, len(indices))
        noise = torch.randn_like(actions)
        with autocast(config.bf16):
            return noise_loss(model, features, actions, k, noise)

    def validate() -> dict[str, Any]:
        if not len(validation):
            return {}
        count = min(config.validation_windows, len(validation))
        features, actions = validation.at(torch.linspace(0, len(validation) - 1, count).long())
        generator = torch.Generator().manual_seed(0)
        noise = torch.randn(actions.shape, generator=generator)
        k = torch.arange(count) % noise_loss.steps  # every step alike: less variance than drawing them
        result: dict[str, Any] = {
            "validation_loss": float(plain_loss(ema.module, features, actions, k, noise))  # type: ignore[arg-type]
        }
        result["action_error"] = action_error(
            ema.module,
            table,
            validation,
            normaliser,
            contract.executed,
            max(1, count // 3),  # type: ignore[arg-type]
        )
        return result

    groups = model.optim_groups(config.weight_decay)
    optimizer = torch.optim.AdamW(groups, config.loop.learning_rate, betas=config.betas)
    loop = Loop(folder, "denoiser", config.loop, model, optimizer, len(training), seed, ema, extra)
    return loop.run(loss, validate, stop)
