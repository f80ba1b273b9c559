"""Engine ``persistent`` for the registry."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sag_ros.engines.engine_spec import EngineSpec

if TYPE_CHECKING:
    from sag_ros.engines.protocol import Engine
    from sag_ros.policy.bundle import PolicyBundle


def _load() -> Callable[..., Engine]:
    from sag_ros.engines.persistent.engine import PersistentEngine

    return PersistentEngine


def _obstacle(bundle: PolicyBundle | None, precision: str, all_tokens: bool) -> str | None:
    from sag_ros.engines.gpu.device import gpu_obstacle

    reason = gpu_obstacle(bundle, precision)
    if reason is None and bundle is not None:
        from sag_ros.engines.gpu.triton.sizes import require_runnable

        require_runnable(bundle.contract)
    return reason


ENGINE = EngineSpec(
    name="persistent",
    load=_load,
    packages=("triton",),
    install="pip install triton",
    on_gpu=True,
    whole_horizon={"all_tokens": True},
    beside="gpu",
    obstacle=_obstacle,
)
