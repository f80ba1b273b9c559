"""Training windows over cached features: what DP-T and the pruner are trained on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sag_ros.data.demonstrations import Demonstrations
from sag_ros.data.windows import window_frames
from sag_ros.policy.normaliser import Normaliser
from sag_ros.train.run.iteration import BatchOrder


@dataclass(frozen=True)
class Windows:
    """Windows as tensors, gathered from frames on request.

    Attributes:
        features: (C, N, D) float32, features of every frame; C copies that differ by augmentation,
            copy 0 without.
        actions: (N, A) float32, normalised.
        frames: (W, T) int64, as ``window_frames``.
        observation_steps: To.
    """

    features: Tensor
    actions: Tensor
    frames: Tensor
    observation_steps: int

    def __len__(self) -> int:
        """W, the number of windows."""
        return len(self.frames)

    def at(self, indices: Tensor, augmented: bool = False) -> tuple[Tensor, Tensor]:
        """Windows ``indices`` (B,) -> features (B, To, D), oldest first, and actions (B, T, A).

        ``augmented`` draws one of the copies for each window by torch's global generator.
        """
        frames = self.frames[indices]
        copy = torch.zeros(len(frames), 1, dtype=torch.int64)
        if augmented and len(self.features) > 1:
            copy = torch.randint(len(self.features), (len(frames), 1))
        return self.features[copy, frames[:, : self.observation_steps]], self.actions[frames]

    def batches(self, batch: int, seed: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Endless batches without augmentation, a new order each epoch, from iteration ``start`` on."""
        order = BatchOrder(len(self), batch, seed)
        while True:
            yield self.at(order.indices(start))
            start += 1


def build_windows(
    demonstrations: Demonstrations,
    features: np.ndarray | Tensor,
    normaliser: Normaliser,
    horizon: int,
    observation_steps: int,
    action_steps: int,
    episodes: np.ndarray | None = None,
) -> Windows:
    """Windows of some episodes (default all) from the features (N, D) or (C, N, D) of **all** frames."""
    values = torch.as_tensor(features, dtype=torch.float32)
    values = values if values.ndim == 3 else values[None]
    if values.shape[1] != len(demonstrations):
        raise ValueError(
            f"features cover {values.shape[1]} frames, the demonstrations have {len(demonstrations)}; "
            "compute the features anew"
        )
    frames = window_frames(demonstrations.ends, horizon, observation_steps, action_steps, episodes)
    actions = normaliser.normalise("action", torch.from_numpy(demonstrations.action))
    return Windows(values, actions, torch.from_numpy(frames), observation_steps)
