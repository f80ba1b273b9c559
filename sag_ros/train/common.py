"""What every trainer shares, in one place to import from."""

from __future__ import annotations

from .checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from .ema import Ema, ema_decay
from .loop import Loop, LoopConfig
from .order import BatchOrder, cosine_factor, reseed
from .progress import Progress, plot_losses, read_records
from .stop import Stop

__all__ = [
    "BatchOrder",
    "CheckpointError",
    "Ema",
    "Loop",
    "LoopConfig",
    "Progress",
    "Stop",
    "cosine_factor",
    "ema_decay",
    "load_checkpoint",
    "plot_losses",
    "read_records",
    "reseed",
    "save_checkpoint",
]
