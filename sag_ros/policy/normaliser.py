"""Limits normaliser: each dimension of a field is mapped to [-1, 1] by ``y = x * scale + offset``."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

FIELDS = ("state", "action")
# a dimension whose range is below this is treated as constant: dividing by it would amplify sensor noise
SMALLEST_RANGE = 1e-4


def limits_scale_offset(data: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scale and offset, float32 (n,), that map the range of ``data`` (N, n) to [-1, 1].

    A constant dimension is only shifted to 0. Raises ValueError on empty or non-finite data.
    """
    data = np.asarray(data, np.float64)
    if data.ndim != 2 or not len(data) or not np.isfinite(data).all():
        raise ValueError(f"the normaliser needs finite data (N, n), N >= 1; got shape {data.shape}")
    low, high = data.min(axis=0), data.max(axis=0)
    constant = high - low < SMALLEST_RANGE
    scale = np.where(constant, 1.0, 2.0 / np.where(constant, 1.0, high - low))
    return scale.astype(np.float32), (-scale * (low + high) / 2).astype(np.float32)


class Normaliser(nn.Module):
    """Scale and offset of the fields ``state`` and ``action``.

    State-dict keys: ``params_dict.<field>.{scale,offset}``, as in public checkpoints.
    """

    def __init__(self, state_dim: int, action_dim: int) -> None:
        super().__init__()
        self.params_dict = nn.ModuleDict()
        for field, size in zip(FIELDS, (state_dim, action_dim), strict=True):
            module = nn.Module()
            module.register_buffer("scale", torch.ones(size))
            module.register_buffer("offset", torch.zeros(size))
            self.params_dict[field] = module

    @classmethod
    def fit(cls, state: np.ndarray, action: np.ndarray) -> Normaliser:
        """From data (N, state_dim) and (N, action_dim), e.g. all frames of the demonstrations."""
        normaliser = cls(state.shape[-1], action.shape[-1])
        for field, data in zip(FIELDS, (state, action), strict=True):
            scale, offset = limits_scale_offset(data)
            normaliser.set(field, scale, offset)
        return normaliser

    def set(self, field: str, scale: np.ndarray, offset: np.ndarray) -> None:
        """Replace both vectors of ``field``."""
        own_scale, own_offset = self.vectors(field)
        own_scale.copy_(torch.as_tensor(scale))
        own_offset.copy_(torch.as_tensor(offset))

    def vectors(self, field: str) -> tuple[Tensor, Tensor]:
        """Scale and offset of ``field``, (n,) each."""
        if field not in self.params_dict:
            raise KeyError(f"the normaliser has no field '{field}'; available: {', '.join(FIELDS)}")
        module = self.params_dict[field]
        return module.get_buffer("scale"), module.get_buffer("offset")

    def normalise(self, field: str, x: Tensor) -> Tensor:
        """(..., n) physical units -> (..., n) in [-1, 1] inside the range of the training data."""
        scale, offset = self.vectors(field)
        return x * scale + offset

    def denormalise(self, field: str, y: Tensor) -> Tensor:
        """Inverse of ``normalise``."""
        scale, offset = self.vectors(field)
        return (y - offset) / scale
