"""Options of ``sag train streaming``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sag_ros.train.run.loop import LoopConfig


@dataclass(frozen=True)
class StreamingOptions:
    """What ``sag train streaming`` is asked; see the fields."""

    data: Path
    """demonstrations, a zarr folder"""
    bundle: Path
    """folder of a policy of ordinary training, to start from"""
    output: Path = Path("out/streaming")
    """folder of the retrained policy; also written when stopped early"""
    out: Path = Path("out/train/streaming")
    """checkpoint, log, cached features"""
    segments: int = 2
    """h: parts of Ta tokens that the horizon has; a query denoises K / h steps"""
    steady_share: float = 0.85
    """share of the samples at levels of later chunks; the others are at those of the first chunk"""
    loop: LoopConfig = field(default_factory=lambda: LoopConfig(4000, 64, 3e-4, 200))
    weight_decay: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.95)
    ema_power: float = 0.75
    ema_maximum: float = 0.9995
    """fine-tuning is short: a slower average would still hold the weights it began with"""
    clean_weight: float = 10.0
    """weight of the error of the clean actions beside that of the noise, as ``sag train policy``"""
    feature_noise: float = 0.03
    """on the camera features, in their standard deviations"""
    state_noise: float = 0.005
    """on the normalised state"""
    bf16: bool | None = None
    """bfloat16 autocast; None: where the CPU multiplies it, elsewhere it takes eight times as long"""
    episodes: int | None = None
    """use only the first so many"""
    hold_out: float = 0.05
    """share of the episodes kept for validation"""
    validation_windows: int = 48
    """for the loss; their actions are also sampled, two chunks in a row"""
    seed: int = 0
    threads: int = 2
    minutes: float | None = None
    """stop after this time, with a checkpoint"""
