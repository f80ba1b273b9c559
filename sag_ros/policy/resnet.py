"""ResNet18 with spatial softmax: the camera encoder of the public Diffusion Policy checkpoints.

He et al., arXiv 1512.03385, without its last two layers; keypoints and projection as in arXiv 2303.04137,
section 3.2. Parameters have torchvision's names.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sag_ros.policy.keypoints import spatial_softmax

CHANNELS = (64, 128, 256, 512)
Colour = tuple[float, float, float]
_GROUP = 16  # channels that share a group norm's statistics


@dataclass(frozen=True)
class ResNetConfig:
    """What differs from one to another.

    Attributes:
        norm: after each convolution; a trained batch norm is an affine map of each channel.
        crop: height and width of the middle that is used, px; None for all.
        mean, std: of the colours, which lie in [0, 1].
        relu: whether features end in one, as those of robomimic's encoders.
        others: cameras whose colours have another mean and deviation: name, mean, std.
    """

    norm: Literal["group", "affine"] = "group"
    crop: tuple[int, int] | None = (76, 76)
    mean: Colour = (0.5, 0.5, 0.5)
    std: Colour = (0.5, 0.5, 0.5)
    relu: bool = False
    others: tuple[tuple[str, Colour, Colour], ...] = ()

    def __post_init__(self) -> None:
        if self.norm not in ("group", "affine"):
            raise ValueError(f"norm is {self.norm!r}; it has to be group or affine")
        for std in (self.std, *(std for _, _, std in self.others)):
            if min(std) <= 0.0:
                raise ValueError(f"ResNetConfig.std is {std}; each must be above 0")

    def of(self, camera: str) -> ResNetConfig:
        """That of one camera, with its own colours."""
        for name, mean, std in self.others:
            if name == camera:
                return replace(self, mean=mean, std=std, others=())
        return replace(self, others=())


class Affine(nn.Module):
    """``x weight + bias`` for each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight.view(-1, 1, 1) + self.bias.view(-1, 1, 1)


def _norm(kind: str, channels: int) -> nn.Module:
    return Affine(channels) if kind == "affine" else nn.GroupNorm(channels // _GROUP, channels)


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions with norms and a shortcut."""

    def __init__(self, channels_in: int, channels: int, stride: int, norm: str) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = _norm(norm, channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = _norm(norm, channels)
        self.downsample: nn.Module | None = None
        if stride != 1 or channels_in != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride, bias=False), _norm(norm, channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNetCamera(nn.Module):
    """One camera: images uint8 (B, H, W, 3) -> features (B, F)."""

    def __init__(self, keypoints: int, features: int, config: ResNetConfig) -> None:
        super().__init__()
        self.config = config
        self.conv1 = nn.Conv2d(3, CHANNELS[0], 7, 2, 3, bias=False)
        self.bn1 = _norm(config.norm, CHANNELS[0])
        before = CHANNELS[0]
        for number, channels in enumerate(CHANNELS, 1):
            stride = 1 if number == 1 else 2
            blocks = [
                BasicBlock(before, channels, stride, config.norm),
                BasicBlock(channels, channels, 1, config.norm),
            ]
            setattr(self, f"layer{number}", nn.Sequential(*blocks))
            before = channels
        self.maps = nn.Conv2d(before, keypoints, 1)
        self.project = nn.Linear(2 * keypoints, features)

    def forward(self, images: Tensor) -> Tensor:
        mean, std = (
            torch.tensor(values, device=images.device).view(3, 1, 1)
            for values in (self.config.mean, self.config.std)
        )
        x = (images.permute(0, 3, 1, 2).float() / 255.0 - mean) / std
        x = _middle(x, self.config.crop)
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for number in range(1, len(CHANNELS) + 1):
            x = getattr(self, f"layer{number}")(x)
        features = self.project(spatial_softmax(self.maps(x)))
        return F.relu(features) if self.config.relu else features


def _middle(x: Tensor, crop: tuple[int, int] | None) -> Tensor:
    """The middle of (B, C, H, W), rounded as torchvision does."""
    if crop is None:
        return x
    height, width = crop
    # Plain numbers, also while the network is traced: a camera's size is a constant.
    lines, columns = int(x.shape[2]), int(x.shape[3])
    if height > lines or width > columns:
        raise ValueError(f"a picture of {lines} x {columns} px is smaller than the crop {crop}")
    top, left = round((lines - height) / 2), round((columns - width) / 2)
    return x[:, :, top : top + height, left : left + width]
