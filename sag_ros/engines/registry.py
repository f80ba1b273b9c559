"""Engines, frame encoders and the pruner's executor by name."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import TYPE_CHECKING

from sag_ros.engines.protocol import Engine, FrameEncoder
from sag_ros.engines.reference import ReferenceEngine, ReferenceFrameEncoder
from sag_ros.policy.schedule import CoefficientTable
from sag_ros.pruning.mask_sources import MaskSource, SagMask, build_mask_source, require_steps
from sag_ros.pruning.pruner import build_pruner

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle

Builder = Callable[..., Engine]
OPENVINO_PACKAGES = ("openvino", "numba")


def _openvino(bundle: PolicyBundle, table: CoefficientTable, **options: str) -> Engine:
    try:
        from sag_ros.engines.openvino import OpenVinoEngine
    except ImportError as error:
        missing = " and ".join(OPENVINO_PACKAGES)
        raise ImportError(
            f"engine openvino needs {missing} (extra [openvino]): {error}; install them or use reference"
        ) from error

    return OpenVinoEngine(bundle, table, **options)


ENGINES: dict[str, Builder] = {"reference": ReferenceEngine, "openvino": _openvino}


def resolve(name: str, bundle: PolicyBundle | None = None) -> str:
    """Name of an engine that exists; ``auto`` is the fastest that can run ``bundle`` on this machine.

    Raises:
        ValueError: no engine of that name.
    """
    if name == "auto":
        token_wise = bundle is None or bundle.contract.network.cond_layers == 0
        installed = all(importlib.util.find_spec(package) for package in OPENVINO_PACKAGES)
        return "openvino" if token_wise and installed else "reference"
    if name not in ENGINES:
        raise ValueError(f"engine {name!r} does not exist; available: auto, {', '.join(ENGINES)}")
    return name


def build_engine(name: str, bundle: PolicyBundle, table: CoefficientTable, **options: str) -> Engine:
    """Engine ``name`` (or ``auto``) for ``bundle`` and the sampler's ``table``.

    Args:
        options: of the engine; openvino: ``precision`` auto, f32, bf16 or int8.

    Raises:
        ValueError: unknown name or option value, or a policy the engine cannot run.
        TypeError: an option the engine does not have.
        ImportError: the engine's library is missing.
    """
    return ENGINES[resolve(name, bundle)](bundle, table, **options)


def build_frame_encoder(name: str, bundle: PolicyBundle, **options: str) -> FrameEncoder:
    """Executor of the observation encoder that goes with engine ``name``; same options and errors."""
    if resolve(name, bundle) != "openvino":
        return ReferenceFrameEncoder(bundle)
    from sag_ros.engines.openvino_encoders import OpenVinoFrameEncoder

    return OpenVinoFrameEncoder(bundle, **options)


def build_sag_mask_source(name: str, bundle: PolicyBundle) -> MaskSource:
    """Executor of the pruner that goes with engine ``name``; raises ValueError without pruner weights."""
    pruner = build_pruner(bundle)
    if resolve(name, bundle) != "openvino":
        return SagMask(pruner)
    from sag_ros.engines.openvino_encoders import OpenVinoSagMask

    return OpenVinoSagMask(pruner)


def build_mask_source_for(engine: str, name: str, bundle: PolicyBundle, steps: int) -> MaskSource:
    """Mask source ``name`` (see :func:`build_mask_source`), the pruner executed by ``engine``'s library."""
    if name != "sag":
        return build_mask_source(name, bundle, steps)
    source = build_sag_mask_source(engine, bundle)
    assert bundle.contract.pruner is not None
    require_steps(bundle.contract.diffusion.steps, steps)
    return source
