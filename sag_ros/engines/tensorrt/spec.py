"""Engine ``tensorrt`` for the registry."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sag_ros.engines.engine_spec import EngineSpec

if TYPE_CHECKING:
    from sag_ros.engines.protocol import Engine
    from sag_ros.policy.bundle import PolicyBundle


def _load() -> Callable[..., Engine]:
    from sag_ros.engines.tensorrt.engine import TensorRtEngine

    return TensorRtEngine


def _obstacle(bundle: PolicyBundle | None, precision: str, all_tokens: bool) -> str | None:
    from sag_ros.engines.gpu.device import gpu_obstacle

    reason = gpu_obstacle(bundle, precision)
    if reason is None:
        from sag_ros.engines.tensorrt.engine import load_obstacle

        reason = load_obstacle(bundle, precision, all_tokens)
    return reason


ENGINE = EngineSpec(
    name="tensorrt",
    load=_load,
    packages=("torch_tensorrt", "tensorrt"),
    install="extra [tensorrt]; TensorRT's own wheels come from NVIDIA's package index",
    on_gpu=True,
    whole_horizon={"all_tokens": True},
    beside="gpu",
    obstacle=_obstacle,
)
