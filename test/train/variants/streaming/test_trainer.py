from __future__ import annotations

import numpy as np
import pytest
import torch

from sag_ros.policy.samplers import Segments
from sag_ros.policy.schedule import cosine_alphas_cumprod
from sag_ros.train.data.windows import Windows
from sag_ros.train.variants.streaming.trainer import StreamingLoss, denoise, pairs

SEGMENTS = Segments(20, 9, 2, 4)
ALPHA_BAR = cosine_alphas_cumprod(20)


def test_each_token_is_noised_to_its_level_and_waiting_tokens_do_not_count():
    seen = []

    def model(sample, phase, features):
        seen.append((sample, phase))
        return torch.zeros_like(sample)

    actions, noise = torch.randn(4, 9, 3), torch.randn(4, 9, 3)
    phase = torch.tensor([0, 9, 10, 19])
    value = StreamingLoss(SEGMENTS, 0.0)(model, torch.zeros(4, 2, 5), actions, phase, noise)
    sample = seen[0][0]
    assert torch.equal(seen[0][1], phase)
    for row, levels in enumerate([(0, 10), (9, 19), (10, None), (19, None)]):
        for tokens, level in zip((slice(0, 5), slice(5, 9)), levels, strict=True):
            a = 0.0 if level is None else float(ALPHA_BAR[level])
            expected = a**0.5 * actions[row, tokens] + (1 - a) ** 0.5 * noise[row, tokens]
            torch.testing.assert_close(sample[row, tokens], expected, atol=1e-5, rtol=1e-5)
    counted = torch.cat([noise[:2].flatten(0, 1), noise[2:, :5].flatten(0, 1)])
    torch.testing.assert_close(value, counted.square().mean())


def test_clean_weight_follows_the_level_of_the_token():
    class Offset(torch.nn.Module):
        def forward(self, sample, phase, features):
            return noise + torch.where(torch.arange(9) < 5, 0.0, 1.0)[:, None]

    noise, phase = torch.zeros(1, 9, 2), torch.tensor([0])
    value = StreamingLoss(SEGMENTS, 10.0)(Offset(), torch.zeros(1, 2, 5), torch.zeros(1, 9, 2), phase, noise)
    a = ALPHA_BAR[10]
    assert float(value) == pytest.approx(4 / 9 * (1 + 10 * min((1 - a) / a, 25.0)), rel=1e-4)


class Known(torch.nn.Module):
    """Predicts the noise of samples around one clean sequence exactly, each token at its level."""

    def __init__(self, clean):
        super().__init__()
        self.clean = clean

    def forward(self, sample, phase, features):
        levels = np.minimum(SEGMENTS.levels(phase), 19)
        a = torch.tensor(ALPHA_BAR[levels], dtype=torch.float32)[:, None]
        return (sample - a.sqrt() * self.clean) / (1 - a).sqrt()


def test_denoising_finds_the_clean_actions_of_the_first_segment():
    clean = torch.from_numpy(np.random.default_rng(0).uniform(-0.9, 0.9, (9, 2))).float()
    sample = torch.randn(3, 9, 2, generator=torch.Generator().manual_seed(0))
    got = denoise(Known(clean), SEGMENTS.table(), torch.zeros(3, 2, 5), sample, 0, seed=1)
    torch.testing.assert_close(got[:, :5], clean[:5].expand(3, 5, 2), atol=2e-3, rtol=0)
    a = float(ALPHA_BAR[9])
    rest = (got[:, 5:] - a**0.5 * clean[5:]) / (1 - a) ** 0.5
    assert 0.5 < float(rest.std()) < 1.5


def test_pairs_are_apart_within_an_episode():
    frames = torch.cat([torch.arange(20)[:, None], torch.arange(30, 42)[:, None]]) + torch.arange(9)
    frames[19] = 19  # padded at the end of its episode
    windows = Windows(torch.zeros(1, 60, 3), torch.zeros(60, 2), frames, 2)
    first, second = pairs(windows, 4, 10)
    assert len(first) == 10
    assert torch.equal(windows.frames[second], windows.frames[first] + 4)
    assert len(pairs(windows, 40, 10)[0]) == 0
