"""Demonstrations: recording, reading, windows for training."""

from __future__ import annotations

from sag_ros.data.demonstrations import Demonstrations, DemonstrationWriter, Episode, StoreError, merge
from sag_ros.data.windows import window_frames

__all__ = ["DemonstrationWriter", "Demonstrations", "Episode", "StoreError", "merge", "window_frames"]
