"""Stage 1: the observation encoder learns to see the task.

Each frame's privileged task state (where the bag is, say), known in simulation, is regressed from the
features of all cameras and the joint state; beside it from each camera alone, so that each carries what
it can. The heads are thrown away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sag_ros.data.demonstrations import Demonstrations
from sag_ros.policy.encoder import EncoderConfig, ObservationEncoder
from sag_ros.policy.normaliser import Normaliser
from sag_ros.train.data.augment import Photometric
from sag_ros.train.data.features import Images, load_images, standardise
from sag_ros.train.run.checkpoint import load_checkpoint, save_checkpoint
from sag_ros.train.run.loop import Loop, LoopConfig
from sag_ros.train.run.precision import autocast
from sag_ros.train.run.stop import Stop


@dataclass(frozen=True)
class EncoderTraining:
    """Stage 1, the observation encoder."""

    loop: LoopConfig = field(default_factory=lambda: LoopConfig(2500, 64, 1e-3, 200))
    augment: Photometric = field(default_factory=Photometric)
    weights: dict[str, float] = field(default_factory=dict)
    """loss weight of privileged columns by name pattern, e.g. "bag_*" 2; the last match counts, others 1"""
    camera_weight: float = 0.3
    """weight of the loss of each camera's own head"""
    hidden: int = 128
    """width of the common head"""
    beta: float = 0.1
    """where smooth L1 turns from square to linear, in standard deviations"""
    state_noise: float = 0.01
    """on the normalised state"""
    weight_decay: float = 1e-4
    bf16: bool = False
    """bfloat16 autocast: a sixth faster, but keypoints move by its rounding"""
    validation_frames: int = 256
    """of the held-out episodes in each log line; the final report takes up to ten times as many"""


class TaskStateRegressor(nn.Module):
    """Encoder with the heads of pre-training."""

    def __init__(self, encoder: ObservationEncoder, state_dim: int, targets: int, hidden: int) -> None:
        super().__init__()
        self.encoder = encoder
        features = encoder.config.features
        self.joint = nn.Sequential(
            nn.Linear(encoder.feature_dim(state_dim), hidden), nn.GELU(), nn.Linear(hidden, targets)
        )
        self.single = nn.ModuleDict({camera: nn.Linear(features, targets) for camera in encoder.cameras})

    def forward(self, images: Mapping[str, Tensor], state: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """uint8 images (B, H, W, 3) and normalised state -> (B, P) of all, and camera -> (B, P) of one."""
        features = {camera: self.encoder.encode(camera, images[camera]) for camera in self.encoder.cameras}
        joint = self.joint(torch.cat([*features.values(), state], dim=-1))
        return joint, {camera: self.single[camera](features[camera]) for camera in features}


def column_weights(names: list[str], patterns: Mapping[str, float]) -> Tensor:
    """(P,) loss weights with mean 1. Raises ValueError for a pattern that names no column."""
    weights = torch.ones(len(names))
    for pattern, weight in patterns.items():
        hits = [index for index, name in enumerate(names) if fnmatchcase(name, pattern)]
        if not hits:
            raise ValueError(f"weights: {pattern!r} matches none of the privileged columns {names}")
        weights[hits] = weight
    return weights / weights.mean()


def train_encoder(
    folder: Path,
    config: EncoderTraining,
    size: EncoderConfig,
    demonstrations: Demonstrations,
    normaliser: Normaliser,
    training: np.ndarray,
    validation: np.ndarray,
    seed: int,
    stop: Stop,
    reuse: bool = False,
) -> ObservationEncoder | None:
    """Pre-train (or continue, or reread when finished) in ``folder``; None if stopped before the end.

    Args:
        training, validation: episode numbers.
        reuse: take the finished encoder in ``folder`` whatever its number of iterations.

    Returns:
        The encoder, standardised, in evaluation mode, without gradients. It is also in
        ``<folder>/encoder.pt``.
    """
    torch.manual_seed(seed)
    names = demonstrations.privileged_names
    encoder = ObservationEncoder(demonstrations.cameras, size)
    finished = folder / "encoder.pt"
    if finished.exists() or reuse:
        content = load_checkpoint(finished)
        if reuse or content["iterations"] >= config.loop.iterations:
            encoder.load_state_dict(content["encoder"])
            return encoder.eval().requires_grad_(False)
    model = TaskStateRegressor(encoder, demonstrations.state.shape[1], len(names), config.hidden)
    if config.bf16:  # measured: channels last is faster in bfloat16 and slower in float32
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = load_images(demonstrations)
    frames = _frames(demonstrations, training)
    held_out = _frames(demonstrations, validation)
    state = normaliser.normalise("state", torch.from_numpy(demonstrations.state))
    privileged = torch.from_numpy(demonstrations.privileged)
    deviation, mean = torch.std_mean(privileged[frames], dim=0)
    used = deviation > 1e-6
    deviation = torch.where(used, deviation, 1.0)
    weights = column_weights(names, config.weights) * used
    target = (privileged - mean) / deviation

    def error(prediction: Tensor, index: Tensor) -> Tensor:
        each = F.smooth_l1_loss(prediction.float(), target[index], reduction="none", beta=config.beta)
        return (each * weights).mean()

    def loss(indices: Tensor) -> Tensor:
        index = frames[indices]
        batch = {camera: config.augment(_pick(images[camera], index)) for camera in encoder.cameras}
        noisy = state[index] + config.state_noise * torch.randn(len(index), state.shape[1])
        with autocast(config.bf16):
            joint, single = model(batch, noisy)
        return error(joint, index) + config.camera_weight * sum(
            (error(prediction, index) for prediction in single.values()), torch.zeros(())
        )

    def validate(limit: int = config.validation_frames) -> dict[str, object]:
        return task_state_errors(model, images, state, privileged, mean, deviation, names, held_out, limit)

    optimizer = torch.optim.AdamW(model.parameters(), config.loop.learning_rate,
                                  weight_decay=config.weight_decay)  # fmt: skip
    loop = Loop(folder, "encoder", config.loop, model, optimizer, len(frames), seed)
    if not loop.run(loss, validate, stop):
        return None
    model.eval()
    loop.progress.record(loop.iteration, {"final": validate(10 * config.validation_frames)})
    standardise(encoder, _subset(images, frames, 4000))
    save_checkpoint(finished, {"encoder": encoder.state_dict(), "iterations": loop.iteration})
    return encoder.eval().requires_grad_(False)


@torch.no_grad()
def task_state_errors(
    model: TaskStateRegressor,
    images: Images,
    state: Tensor,
    privileged: Tensor,
    mean: Tensor,
    deviation: Tensor,
    names: list[str],
    frames: Tensor,
    limit: int,
) -> dict[str, object]:
    """Root-mean-square error of each privileged column in its own unit: of the common head, and of each
    camera alone (the share of the standard deviation it leaves unexplained, mean over columns)."""
    if not len(frames):
        return {}
    chosen = frames[torch.linspace(0, len(frames) - 1, min(limit, len(frames))).long()]
    square = torch.zeros(len(names))
    single_square = {camera: torch.zeros(len(names)) for camera in model.encoder.cameras}
    for index in chosen.split(128):
        joint, single = model({c: _pick(images[c], index) for c in model.encoder.cameras}, state[index])
        square += ((joint * deviation + mean - privileged[index]) ** 2).sum(0)
        for camera, prediction in single.items():
            single_square[camera] += ((prediction - (privileged[index] - mean) / deviation) ** 2).sum(0)
    rms = (square / len(chosen)).sqrt()
    alone = {c: float((value / len(chosen)).sqrt().mean()) for c, value in single_square.items()}
    return {"rms": dict(zip(names, rms.tolist(), strict=True)), "unexplained": alone}


def _frames(demonstrations: Demonstrations, episodes: np.ndarray) -> Tensor:
    spans = [np.arange(demonstrations.starts[e], demonstrations.ends[e]) for e in episodes]
    return torch.from_numpy(np.concatenate(spans) if spans else np.empty(0, np.int64))


def _pick(images: np.ndarray, index: Tensor) -> Tensor:
    return torch.from_numpy(images[index.numpy()])


def _subset(images: Images, frames: Tensor, count: int) -> dict[str, np.ndarray]:
    chosen = frames[torch.linspace(0, len(frames) - 1, min(count, len(frames))).long()].numpy()
    return {camera: values[chosen] for camera, values in images.items()}
