from __future__ import annotations

import numpy as np
import torch
from diffusers import DDIMScheduler, DDPMScheduler
from torch import nn

from sag_ros.policy.samplers import build_table
from sag_ros.train.policy.denoiser import NoiseLoss, sample_actions


class Known(nn.Module):
    """Predicts the noise of samples around one clean action sequence exactly."""

    class config:
        horizon, action_dim = 4, 2

    def __init__(self, clean, alpha_bar):
        super().__init__()
        self.clean, self.alpha_bar = clean, alpha_bar

    def forward(self, sample, timestep, cond):
        a = self.alpha_bar[torch.as_tensor(timestep).reshape(-1, 1, 1)]
        return (sample - a.sqrt() * self.clean) / (1 - a).sqrt()


def test_noising_is_that_of_the_public_scheduler():
    scheduler = DDPMScheduler(20, beta_schedule="squaredcos_cap_v2")
    seen = []

    def model(sample, k, features):
        seen.append(sample)
        return torch.zeros_like(sample)

    actions, noise, k = torch.randn(3, 4, 2), torch.randn(3, 4, 2), torch.tensor([0, 7, 19])
    value = NoiseLoss(20, torch.ones(4))(model, torch.zeros(3, 2, 5), actions, k, noise)
    torch.testing.assert_close(seen[0], scheduler.add_noise(actions, noise, k), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(value, noise.square().mean())


def test_weights_and_leading_tokens():
    def model(sample, k, features):
        return torch.zeros_like(sample)

    noise = torch.tensor([1.0, 2.0, 3.0, 4.0])[None, :, None].expand(2, 4, 3)
    actions, k = torch.zeros(2, 4, 3), torch.tensor([1, 2])
    loss = NoiseLoss(5, torch.tensor([1.0, 3.0, 0.0, 0.0]))
    assert float(loss(model, torch.zeros(2, 2, 5), actions, k, noise)) == (1 * 1 + 3 * 4) / 4
    assert float(loss(model, torch.zeros(2, 2, 5), actions[:, :1], k, noise[:, :1])) == 1.0


def test_sampling_finds_the_clean_actions():
    scheduler = DDIMScheduler(20, beta_schedule="squaredcos_cap_v2")
    clean = torch.tensor(np.random.default_rng(0).uniform(-0.9, 0.9, (4, 2)), dtype=torch.float32)
    model = Known(clean, scheduler.alphas_cumprod)
    for name in ("ddpm", "ddim5"):
        sampled = sample_actions(model, build_table(name, 20), torch.zeros(3, 2, 5), seed=1)
        torch.testing.assert_close(sampled, clean.expand(3, 4, 2), atol=2e-3, rtol=0)
