"""Options of ``sag train consistency``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sag_ros.train.run.loop import LoopConfig


@dataclass(frozen=True)
class ConsistencyOptions:
    """What ``sag train consistency`` is asked; see the fields."""

    data: Path
    """demonstrations, a zarr folder"""
    bundle: Path
    """folder of the policy that teaches"""
    output: Path
    """folder of the new bundle; also written when stopped early"""
    out: Path = Path("out/train/consistency")
    """checkpoints, logs, cached features"""
    stride: int = 10
    """timesteps of one DDIM step of the teacher"""
    denoising_weight: float = 1.0
    """of the distance to the demonstrated actions beside that to the target"""
    preset_share: float = 0.2
    """share of the samples at timesteps that the validated samplers visit; the others at any timestep"""
    ema_power: float = 0.75
    ema_maximum: float = 0.99
    """of the averaged student: what it learns travels K / stride steps from target to target"""
    dropout: float = 0.0
    """in the student's layers"""
    feature_noise: float = 0.03
    """on the camera features, in their standard deviations"""
    state_noise: float = 0.005
    """on the normalised state"""
    weight_decay: float = 1e-3
    """on weights of Linear and attention only"""
    episodes: int | None = None
    """use only the first so many"""
    hold_out: float = 0.05
    """share of the episodes kept for validation"""
    seed: int = 0
    threads: int = 2
    minutes: float | None = None
    """stop after this time, with a checkpoint and a bundle"""
    validation_windows: int = 64
    """of held-out episodes"""
    samplers: tuple[str, ...] = ("cm1", "cm3")
    """validated with each record"""
    loop: LoopConfig = field(default_factory=lambda: LoopConfig(3000, 32, 1.5e-4, 100))
