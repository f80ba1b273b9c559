"""Engine ``cuda_graph`` for the registry."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sag_ros.engines.engine_spec import EngineSpec, by_denoiser

if TYPE_CHECKING:
    from sag_ros.engines.protocol import Engine
    from sag_ros.policy.bundle import PolicyBundle


def _load() -> Callable[..., Engine]:
    from sag_ros.engines.cuda_graph.engine import CudaGraphEngine
    from sag_ros.engines.cuda_graph.unet import CudaGraphUNet

    return by_denoiser(CudaGraphEngine, CudaGraphUNet)


def _obstacle(bundle: PolicyBundle | None, precision: str, all_tokens: bool) -> str | None:
    from sag_ros.engines.gpu.device import gpu_obstacle

    transformer = bundle is not None and bundle.contract.unet is None
    return gpu_obstacle(bundle if transformer else None, precision)


ENGINE = EngineSpec(
    name="cuda_graph",
    load=_load,
    on_gpu=True,
    whole_horizon={"all_tokens": True},
    beside="gpu",
    obstacle=_obstacle,
)
