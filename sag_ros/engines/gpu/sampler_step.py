"""The sampler's update of a sample by torch, with coefficients that lie on the device."""

from __future__ import annotations

import torch
from torch import Tensor


def update(x: Tensor, eps: Tensor, row: Tensor, noise: Tensor) -> None:
    """Bring ``x`` to where it is after a step.

    Args:
        x, eps, noise: (T', A) sample, predicted and fresh noise; the last one scaled.
        row: (T' or 1, 6), see ``savings.step_tail.sampler_rows``.
    """
    ratio, low, high, from_v, from_x, from_eps = row.split(1, dim=1)
    v = torch.clamp(torch.addcmul(x, ratio, eps), low, high)
    noise = torch.addcmul(torch.addcmul(noise, from_v, v), from_eps, eps)
    torch.addcmul(noise, from_x, x, out=x)
