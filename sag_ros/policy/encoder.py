"""Observation encoder: one residual network per camera, ended by a spatial softmax.

Ours is that of Diffusion Policy (ResNet with GroupNorm and spatial softmax, arXiv 2303.04137 section 3.2),
shrunk so that a frame costs a millisecond on one CPU core; theirs is in ``resnet``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sag_ros.policy.keypoints import spatial_softmax
from sag_ros.policy.resnet import CHANNELS, ResNetCamera, ResNetConfig


@dataclass(frozen=True)
class EncoderConfig:
    """Channels of the first stage, spatial-softmax keypoints, and features per camera (F).

    With ``resnet18`` it is one, whose first stage has 64 channels.
    """

    width: int = 16
    keypoints: int = 32
    features: int = 64
    resnet18: ResNetConfig | None = None

    def __post_init__(self) -> None:
        for name in ("width", "keypoints", "features"):
            if getattr(self, name) < 1:
                raise ValueError(f"EncoderConfig.{name} is {getattr(self, name)}; it must be at least 1")
        if self.resnet18 is not None and self.width != CHANNELS[0]:
            raise ValueError(f"EncoderConfig.width is {self.width}; that of a ResNet18 is {CHANNELS[0]}")


def _norm(channels: int) -> nn.GroupNorm:
    # groups of 8 channels: batch-independent, so EMA weights and batch 1 behave as in training
    return nn.GroupNorm(channels // 8 if channels % 8 == 0 else 1, channels)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with GroupNorm and a (projected) shortcut."""

    def __init__(self, channels_in: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.norm1 = _norm(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.norm2 = _norm(channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels:
            self.shortcut = nn.Conv2d(channels_in, channels, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(y + self.shortcut(x))


class CameraNet(nn.Module):
    """One camera: images uint8 (B, H, W, 3) -> features (B, F). 84x84 -> maps of 21x21."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        w = config.width
        self.stem = nn.Conv2d(3, w, 5, 2, 2, bias=False)
        self.stem_norm = _norm(w)
        self.blocks = nn.Sequential(
            ResidualBlock(w, w), ResidualBlock(w, 2 * w, stride=2), ResidualBlock(2 * w, 4 * w)
        )
        self.maps = nn.Conv2d(4 * w, config.keypoints, 1)
        self.project = nn.Linear(2 * config.keypoints, config.features)

    def forward(self, images: Tensor) -> Tensor:
        x = images.permute(0, 3, 1, 2).float() / 127.5 - 1.0
        x = self.blocks(F.relu(self.stem_norm(self.stem(x))))
        return self.project(spatial_softmax(self.maps(x).float()))


def _camera_net(config: EncoderConfig, camera: str) -> nn.Module:
    if config.resnet18 is None:
        return CameraNet(config)
    return ResNetCamera(config.keypoints, config.features, config.resnet18.of(camera))


class ObservationEncoder(nn.Module):
    """Features of one frame: the cameras' features in contract order, then the normalised state.

    There may be no camera; then it has no weights.
    """

    def __init__(self, cameras: Sequence[str], config: EncoderConfig) -> None:
        super().__init__()
        self.cameras = tuple(cameras)
        self.config = config
        self.nets = nn.ModuleDict({camera: _camera_net(config, camera) for camera in self.cameras})

    def feature_dim(self, state_dim: int) -> int:
        """D of one frame."""
        return len(self.cameras) * self.config.features + state_dim

    def encode(self, camera: str, images: Tensor) -> Tensor:
        """uint8 (B, H, W, 3) RGB of one camera -> (B, F)."""
        if camera not in self.nets:
            raise KeyError(f"camera '{camera}' does not exist; available: {', '.join(self.cameras)}")
        return self.nets[camera](images)

    def frame(self, images: Mapping[str, Tensor], state_normalised: Tensor) -> Tensor:
        """Camera -> uint8 (B, H, W, 3), and (B, state_dim) -> (B, D)."""
        return torch.cat([*(self.encode(c, images[c]) for c in self.cameras), state_normalised], dim=-1)

    def forward(self, images: Mapping[str, Tensor], state_normalised: Tensor) -> Tensor:
        """As ``frame``."""
        return self.frame(images, state_normalised)
