"""Where maps of features point: the keypoints of a camera encoder."""

from __future__ import annotations

import torch
from torch import Tensor


def spatial_softmax(maps: Tensor) -> Tensor:
    """Expected image coordinates of each map, (B, C, h, w) -> (B, 2C): x of all maps, then y, in [-1, 1]."""
    height, width = maps.shape[-2:]
    weight = maps.flatten(2).softmax(dim=-1).reshape(maps.shape)
    x = torch.linspace(-1.0, 1.0, width, device=maps.device)
    y = torch.linspace(-1.0, 1.0, height, device=maps.device)
    return torch.cat(((weight.sum(2) * x).sum(-1), (weight.sum(3) * y).sum(-1)), dim=-1)
