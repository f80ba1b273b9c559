"""Engines, frame encoders and the pruner's executor by name.

Each folder beside this file that has a ``spec.py`` is an engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sag_ros.declared import declared
from sag_ros.engines.engine_spec import EngineSpec
from sag_ros.engines.executors import Executors, executors
from sag_ros.engines.protocol import Engine, FrameEncoder
from sag_ros.policy.samplers.protocol import Sampler
from sag_ros.policy.schedule import CoefficientTable
from sag_ros.pruning.mask_sources import Execute, MaskSource, build_mask_source

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle

FASTEST_FIRST = ("tensorrt", "cuda_graph", "native", "openvino", "reference")
"""What ``auto`` tries, in this order; others are for those who name them."""


def _in_order(specs: list[EngineSpec]) -> list[EngineSpec]:
    """As ``auto`` tries them, then those that it does not try."""
    order = {name: place for place, name in enumerate(FASTEST_FIRST)}
    return sorted(specs, key=lambda spec: (order.get(spec.name, len(order)), spec.name))


ENGINES: dict[str, EngineSpec] = {
    spec.name: spec for spec in _in_order(declared("sag_ros.engines", "ENGINE", "spec"))
}
ON_GPU = tuple(name for name, spec in ENGINES.items() if spec.on_gpu)
STATEFUL = tuple(name for name, spec in ENGINES.items() if spec.stateful)  # can begin at any step and trace


def obstacle(
    name: str, bundle: PolicyBundle | None = None, precision: str = "auto", all_tokens: bool = False
) -> str | None:
    """Why engine ``name`` cannot run here (``bundle``, with ``precision``, at the whole horizon if
    ``all_tokens``); None when nothing is known."""
    spec = ENGINES[name]
    try:
        return spec.missing() or spec.obstacle(bundle, precision, all_tokens)
    except ValueError as error:
        return str(error)


def choose(
    name: str,
    bundle: PolicyBundle | None = None,
    precision: str = "auto",
    all_tokens: bool = False,
    failed: Mapping[str, str] = MappingProxyType({}),
) -> tuple[str, tuple[str, ...]]:
    """Name of an engine that exists, and which faster ones ``auto`` passed over and why.

    Args:
        all_tokens: for a sampler that needs the whole horizon.
        failed: engines that were tried in vain, and why.

    Raises:
        ValueError: no engine of that name.
    """
    if name != "auto":
        if name not in ENGINES:
            raise ValueError(f"engine {name!r} does not exist; available: auto, {', '.join(ENGINES)}")
        return name, ()
    passed: list[str] = []
    for candidate in FASTEST_FIRST[:-1]:
        reason = failed.get(candidate) or obstacle(candidate, bundle, precision, all_tokens)
        if reason is None:
            return candidate, tuple(passed)
        passed.append(f"not engine {candidate}: {reason}")
    return FASTEST_FIRST[-1], tuple(passed)


def build_engine(name: str, bundle: PolicyBundle, table: CoefficientTable, **options: Any) -> Engine:
    """Engine ``name`` (or ``auto``) for ``bundle`` and the sampler's ``table``.

    Args:
        options: of the engine, see its class; all but the reference have ``precision``, those on a GPU
            ``device``.

    Raises:
        ValueError: unknown name or option value, or a policy the engine cannot run.
        TypeError: an option the engine does not have.
        ImportError: the engine's library is missing.
    """
    spec = ENGINES[choose(name, bundle, options.get("precision", "auto"))[0]]
    try:
        return spec.load()(bundle, table, **options)
    except ImportError as error:
        if not spec.packages:
            raise
        needed = f"{' and '.join(spec.packages)} ({spec.install})"
        raise ImportError(
            f"engine {spec.name} needs {needed}: {error}; install it or use reference"
        ) from error


def whole_horizon_options(name: str) -> dict[str, Any]:
    """Options that make engine ``name`` compute all tokens of a chunk; the reference always does."""
    return dict(ENGINES[name].whole_horizon)


def build_engine_for(name: str, bundle: PolicyBundle, sampler: Sampler, **options: Any) -> Engine:
    """Engine ``name`` (not ``auto``) for ``sampler``: at the whole horizon where the sampler needs it.

    Raises:
        ValueError: as :func:`build_engine`, and an engine that cannot run a sampler with a state.
    """
    if (sampler.traced or sampler.whole_horizon) and name not in STATEFUL:
        raise ValueError(
            f"sampler {sampler.name} keeps samples from chunk to chunk, which engine {name} cannot; "
            f"use engine {' or '.join(STATEFUL)}, or sampler ddpm or ddim"
        )
    if sampler.whole_horizon:
        options = {**whole_horizon_options(name), **options}
    return build_engine(name, bundle, sampler.table, **options)


def _executors(engine: str, bundle: PolicyBundle, precision: str = "auto") -> Executors:
    return executors(ENGINES[choose(engine, bundle, precision)[0]].beside)


def build_frame_encoder(name: str, bundle: PolicyBundle, **options: str) -> FrameEncoder:
    """Executor of the observation encoder that goes with engine ``name``; same options and errors."""
    return _executors(name, bundle, options.get("precision", "auto")).frame_encoder(bundle, **options)


def pruner_executor(engine: str, bundle: PolicyBundle, device: str = "auto") -> Execute:
    """What executes pruners beside ``engine``; ``device`` is for those on a GPU."""
    return _executors(engine, bundle).pruner(device)


def build_mask_source_for(
    engine: str, name: str, bundle: PolicyBundle, steps: int, device: str = "auto"
) -> MaskSource:
    """Mask source ``name`` (see :func:`build_mask_source`), pruners executed by ``engine``'s library."""
    return build_mask_source(name, bundle, steps, pruner_executor(engine, bundle, device))
