"""Engine ``reference``: the literal rule in torch, slow, and what others are checked against.

Front doors: :class:`ReferenceEngine`, :class:`ReferenceFrameEncoder`.
"""

from __future__ import annotations

from sag_ros.engines.reference.engine import ReferenceEngine, ReferenceFrameEncoder

__all__ = ["ReferenceEngine", "ReferenceFrameEncoder"]
