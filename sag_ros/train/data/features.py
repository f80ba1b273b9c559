"""Features of all demonstration frames by a frozen encoder, computed once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from sag_ros.data.demonstrations import Demonstrations
from sag_ros.policy.encoder import CameraNet, ObservationEncoder
from sag_ros.policy.normaliser import Normaliser
from sag_ros.train.data.augment import Photometric
from sag_ros.train.run.iteration import reseed

Images = Mapping[str, np.ndarray]


def load_images(demonstrations: Demonstrations) -> dict[str, np.ndarray]:
    """All frames of all cameras in memory: camera -> (N, H, W, 3) uint8."""
    return {camera: demonstrations.images(camera) for camera in demonstrations.cameras}


@torch.no_grad()
def camera_features(
    encoder: ObservationEncoder,
    images: Images,
    augment: Photometric | None = None,
    seed: int = 0,
    batch: int = 128,
) -> dict[str, Tensor]:
    """Camera -> (N, F) float32 for N frames; ``seed`` is of the augmentation."""
    encoder.eval()
    features = {}
    for number, camera in enumerate(encoder.cameras):
        parts = []
        for start in range(0, len(images[camera]), batch):
            x = torch.from_numpy(np.ascontiguousarray(images[camera][start : start + batch]))
            if augment is not None:
                reseed(seed, 2 * start + number)
                x = augment(x)
            parts.append(encoder.encode(camera, x))
        features[camera] = torch.cat(parts)
    return features


@torch.no_grad()
def standardise(encoder: ObservationEncoder, images: Images) -> None:
    """Fold mean and deviation of the features over ``images`` into the encoder's last layer, in place.

    Pre-training leaves features of any scale; DP-T's initialisation expects about one, and noise on
    features needs a unit. Weights are then rounded to the precision of the bundle on disk (float16), so
    that the features trained on are those of the shipped encoder.
    """
    for camera, features in camera_features(encoder, images).items():
        deviation, mean = torch.std_mean(features, dim=0)
        deviation = torch.where(deviation > 1e-6, deviation, 1.0)
        net = encoder.nets[camera]
        assert isinstance(net, CameraNet)
        project = net.project
        project.weight.div_(deviation[:, None])
        project.bias.sub_(mean).div_(deviation)
    for parameter in encoder.parameters():
        parameter.copy_(parameter.half().float())


def frame_features(
    encoder: ObservationEncoder,
    normaliser: Normaliser,
    demonstrations: Demonstrations,
    images: Images | None = None,
    copies: int = 0,
    augment: Photometric | None = None,
    seed: int = 0,
) -> Tensor:
    """(1 + copies, N, D) float32: cameras in the encoder's order, then the normalised state.

    Copy 0 is of the images as recorded, the others of images augmented by ``augment``.
    """
    if images is None:
        images = load_images(demonstrations) if encoder.cameras else {}
    state = normaliser.normalise("state", torch.from_numpy(demonstrations.state))
    result = []
    for copy in range(1 + copies):
        features = camera_features(encoder, images, augment if copy else None, seed + copy)
        result.append(torch.cat([*(features[camera] for camera in encoder.cameras), state], dim=-1))
    return torch.stack(result)


def features_key(
    encoder: ObservationEncoder, normaliser: Normaliser, demonstrations: Demonstrations, *options: object
) -> str:
    """Names what cached features depend on: weights, frames, options."""
    digest = hashlib.sha256()
    for state in (encoder.state_dict(), normaliser.state_dict()):
        for name, value in state.items():
            digest.update(name.encode())
            digest.update(value.contiguous().numpy().tobytes())
    for array in (demonstrations.ends, demonstrations.seeds, demonstrations.state):
        digest.update(np.ascontiguousarray(array).tobytes())
    digest.update(repr(options).encode())
    return digest.hexdigest()


def cached_features(
    path: str | Path,
    encoder: ObservationEncoder,
    normaliser: Normaliser,
    demonstrations: Demonstrations,
    copies: int = 0,
    augment: Photometric | None = None,
    seed: int = 0,
) -> Tensor:
    """As ``frame_features``, from the file ``path`` if that was made from the same inputs."""
    path = Path(path)
    key = features_key(encoder, normaliser, demonstrations, copies, augment if copies else None, seed)
    if path.exists():
        with safe_open(path, framework="pt") as file:
            if (file.metadata() or {}).get("key") == key:
                return file.get_tensor("features")
    features = frame_features(encoder, normaliser, demonstrations, None, copies, augment, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    save_file({"features": features}, partial, metadata={"key": key})
    os.replace(partial, path)
    return features
