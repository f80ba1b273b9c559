"""Engine ``reference``: the literal rule in torch, slow, and what others are checked against.

Front doors: :func:`reference_engine`, :class:`ReferenceEngine`, :class:`ReferenceFrameEncoder`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sag_ros.engines.protocol import Engine
from sag_ros.engines.reference.engine import ReferenceEngine, ReferenceFrameEncoder
from sag_ros.engines.reference.unet import ReferenceUNet
from sag_ros.policy.schedule import CoefficientTable

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle

__all__ = ["ReferenceEngine", "ReferenceFrameEncoder", "reference_engine"]


def reference_engine(bundle: PolicyBundle, table: CoefficientTable) -> Engine:
    """The reference of a policy's denoiser, a transformer or a U-Net."""
    return (ReferenceEngine if bundle.contract.unet is None else ReferenceUNet)(bundle, table)
