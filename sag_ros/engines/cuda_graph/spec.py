"""Engine ``cuda_graph`` for the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sag_ros.engines.engine_spec import EngineSpec

if TYPE_CHECKING:
    from sag_ros.engines.protocol import Engine
    from sag_ros.policy.bundle import PolicyBundle
    from sag_ros.policy.schedule import CoefficientTable


def _build(bundle: PolicyBundle, table: CoefficientTable, **options: Any) -> Engine:
    from sag_ros.engines.cuda_graph.engine import CudaGraphEngine

    return CudaGraphEngine(bundle, table, **options)


def _obstacle(bundle: PolicyBundle | None, precision: str, all_tokens: bool) -> str | None:
    from sag_ros.engines.gpu.device import gpu_obstacle

    return gpu_obstacle(bundle, precision)


ENGINE = EngineSpec(
    name="cuda_graph",
    build=_build,
    on_gpu=True,
    whole_horizon={"all_tokens": True},
    beside="gpu",
    obstacle=_obstacle,
)
