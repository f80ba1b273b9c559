"""Demonstrations: recording, reading, windows for training."""

from __future__ import annotations

from .demonstrations import Demonstrations, DemonstrationWriter, Episode, StoreError, merge
from .windows import window_frames

__all__ = ["DemonstrationWriter", "Demonstrations", "Episode", "StoreError", "merge", "window_frames"]
