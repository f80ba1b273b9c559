"""Engines, frame encoders and the pruner's executor by name."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sag_ros.engines.protocol import Engine, FrameEncoder
from sag_ros.engines.reference import ReferenceEngine, ReferenceFrameEncoder
from sag_ros.policy.samplers.protocol import Sampler
from sag_ros.policy.schedule import CoefficientTable
from sag_ros.pruning.mask_sources import Execute, MaskSource, SagMask, build_mask_source

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle

Builder = Callable[..., Engine]
PACKAGES = {
    "tensorrt": ("torch_tensorrt", "tensorrt"),
    "cuda_graph": (),
    "persistent": ("triton",),
    "native": ("numba",),
    "openvino": ("openvino", "numba"),
    "reference": (),
}
INSTALL = {
    "persistent": "pip install triton",
    "tensorrt": "extra [tensorrt]; TensorRT's own wheels come from NVIDIA's package index",
}  # else the extra
ON_GPU = ("tensorrt", "cuda_graph", "persistent")
STATEFUL = (*ON_GPU, "native", "reference")  # can begin at any step and trace
FASTEST_FIRST = ("tensorrt", "cuda_graph", "native", "openvino", "reference")


def _tensorrt(bundle: PolicyBundle, table: CoefficientTable, **options: Any) -> Engine:
    from sag_ros.engines.tensorrt.engine import TensorRtEngine

    with _naming_the_missing("tensorrt"):
        return TensorRtEngine(bundle, table, **options)


def _cuda_graph(bundle: PolicyBundle, table: CoefficientTable, **options: Any) -> Engine:
    from sag_ros.engines.cuda_graph.engine import CudaGraphEngine

    return CudaGraphEngine(bundle, table, **options)


def _persistent(bundle: PolicyBundle, table: CoefficientTable, **options: Any) -> Engine:
    with _naming_the_missing("persistent"):
        from sag_ros.engines.persistent.engine import PersistentEngine
    return PersistentEngine(bundle, table, **options)


def _native(bundle: PolicyBundle, table: CoefficientTable, **options: Any) -> Engine:
    with _naming_the_missing("native"):
        from sag_ros.engines.native.engine import NativeEngine
    return NativeEngine(bundle, table, **options)


def _openvino(bundle: PolicyBundle, table: CoefficientTable, **options: str) -> Engine:
    with _naming_the_missing("openvino"):
        from sag_ros.engines.openvino.engine import OpenVinoEngine
    return OpenVinoEngine(bundle, table, **options)


@contextmanager
def _naming_the_missing(name: str) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        missing = " and ".join(PACKAGES[name])
        raise ImportError(
            f"engine {name} needs {missing} ({_install(name)}): {error}; install it or use reference"
        ) from error


def _install(name: str) -> str:
    return INSTALL.get(name, "extra [openvino]")


ENGINES: dict[str, Builder] = {
    "reference": ReferenceEngine,
    "native": _native,
    "openvino": _openvino,
    "cuda_graph": _cuda_graph,
    "persistent": _persistent,
    "tensorrt": _tensorrt,
}


def obstacle(
    name: str, bundle: PolicyBundle | None = None, precision: str = "auto", all_tokens: bool = False
) -> str | None:
    """Why engine ``name`` cannot run here (``bundle``, with ``precision``, at the whole horizon if
    ``all_tokens``); None when nothing is known."""
    missing = [package for package in PACKAGES[name] if importlib.util.find_spec(package) is None]
    if missing:
        return f"{' and '.join(missing)} missing ({_install(name)})"
    try:
        if name in ON_GPU:
            return _gpu_obstacle(name, bundle, precision, all_tokens)
        if name == "native":
            from sag_ros.engines.native.engine import choose_precision, require_runnable

            choose_precision(precision)
            if bundle is not None:
                require_runnable(bundle.contract.network)
        if name == "openvino" and bundle is not None:
            from sag_ros.engines.savings.cross_attention import require_token_wise

            require_token_wise(bundle.contract.network.cond_layers)
    except ValueError as error:
        return str(error)
    return None


def _gpu_obstacle(name: str, bundle: PolicyBundle | None, precision: str, all_tokens: bool) -> str | None:
    """What stands in the way of engine ``name`` on a GPU; may raise ValueError instead."""
    from sag_ros.engines.gpu.device import choose_device, choose_precision, cuda_obstacle
    from sag_ros.engines.savings.cross_attention import require_token_wise

    reason = cuda_obstacle()
    if reason is None:
        choose_precision(precision, choose_device("auto"))
        if bundle is not None:
            require_token_wise(bundle.contract.network.cond_layers)
            if name == "persistent":
                from sag_ros.engines.gpu.triton.sizes import require_runnable

                require_runnable(bundle.contract)
        if name == "tensorrt":
            from sag_ros.engines.tensorrt.engine import load_obstacle

            return load_obstacle(bundle, precision, all_tokens)
    return reason


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
        options: of the engine; native: ``precision`` auto, f32 or bf16, ``savings``; openvino: ``precision``
            auto, f32, bf16 or int8; on a GPU ``precision`` auto, f32, bf16 or f16, ``device``;
            persistent also ``parts``.

    Raises:
        ValueError: unknown name or option value, or a policy the engine cannot run.
        TypeError: an option the engine does not have.
        ImportError: the engine's library is missing.
    """
    return ENGINES[choose(name, bundle, options.get("precision", "auto"))[0]](bundle, table, **options)


def whole_horizon_options(name: str) -> dict[str, Any]:
    """Options that make engine ``name`` compute all tokens of a chunk; the reference always does."""
    if name == "native":
        from sag_ros.engines.savings.switches import Savings

        return {"savings": Savings.without("trailing_tokens")}
    return {"all_tokens": True} if name in ON_GPU else {}


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


def _library(engine: str, bundle: PolicyBundle, precision: str = "auto") -> str:
    """What executes encoder and pruner beside ``engine``: gpu, openvino where that is there, or reference."""
    chosen = choose(engine, bundle, precision)[0]
    if chosen in ON_GPU:
        return "gpu"
    return "openvino" if chosen != "reference" and importlib.util.find_spec("openvino") else "reference"


def build_frame_encoder(name: str, bundle: PolicyBundle, **options: str) -> FrameEncoder:
    """Executor of the observation encoder that goes with engine ``name``; same options and errors."""
    library = _library(name, bundle, options.get("precision", "auto"))
    if library == "reference":
        return ReferenceFrameEncoder(bundle)
    if library == "gpu":
        from sag_ros.engines.gpu.encoders import GpuFrameEncoder

        return GpuFrameEncoder(bundle, **options)
    from sag_ros.engines.openvino.encoders import OpenVinoFrameEncoder

    return OpenVinoFrameEncoder(bundle, **options)


def pruner_executor(engine: str, bundle: PolicyBundle, device: str = "auto") -> Execute:
    """What executes pruners beside ``engine``; ``device`` is for those on a GPU."""
    library = _library(engine, bundle)
    if library == "reference":
        return SagMask
    if library == "gpu":
        from sag_ros.engines.gpu.encoders import GpuSagMask

        return partial(GpuSagMask, device=device)
    from sag_ros.engines.openvino.encoders import OpenVinoSagMask

    return OpenVinoSagMask


def build_mask_source_for(
    engine: str, name: str, bundle: PolicyBundle, steps: int, device: str = "auto"
) -> MaskSource:
    """Mask source ``name`` (see :func:`build_mask_source`), pruners executed by ``engine``'s library."""
    return build_mask_source(name, bundle, steps, pruner_executor(engine, bundle, device))
