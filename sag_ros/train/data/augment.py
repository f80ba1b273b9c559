"""Photometric augmentation: how cameras differ, not what they see. Nothing moves in the image."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Photometric:
    """Largest change of each kind; every image draws its own, uniform within."""

    brightness: float = 0.15
    """added to all values, share of full scale"""
    contrast: float = 0.2
    """of the gain about the image's mean"""
    colour: float = 0.1
    """of the gain per colour channel"""
    noise: float = 0.02
    """standard deviation of the pixel noise, share of full scale"""

    def __call__(self, images: Tensor) -> Tensor:
        """uint8 (B, H, W, 3) -> uint8 (B, H, W, 3), by torch's global generator."""
        batch = len(images)

        def uniform(bound: float, channels: int = 1) -> Tensor:
            return (torch.rand(batch, 1, 1, channels) * 2.0 - 1.0) * bound

        x = images.float()
        mean = x.mean(dim=(1, 2, 3), keepdim=True)
        x = (x - mean) * (1.0 + uniform(self.contrast)) + mean + 255.0 * uniform(self.brightness)
        x = x * (1.0 + uniform(self.colour, 3))
        if self.noise > 0:
            x = x + torch.randn_like(x) * (255.0 * self.noise * torch.rand(batch, 1, 1, 1))
        return x.round_().clamp_(0.0, 255.0).to(torch.uint8)
