"""Engine ``native`` for the registry."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sag_ros.engines.engine_spec import EngineSpec
from sag_ros.engines.savings.switches import Savings

if TYPE_CHECKING:
    from sag_ros.engines.protocol import Engine
    from sag_ros.policy.bundle import PolicyBundle


def _load() -> Callable[..., Engine]:
    from sag_ros.engines.native.engine import NativeEngine

    return NativeEngine


def _obstacle(bundle: PolicyBundle | None, precision: str, all_tokens: bool) -> str | None:
    from sag_ros.engines.native.engine import choose_precision, require_runnable

    choose_precision(precision)
    if bundle is not None:
        require_runnable(bundle.contract.transformer)
    return None


ENGINE = EngineSpec(
    name="native",
    load=_load,
    packages=("numba",),
    install="extra [openvino]",
    whole_horizon={"savings": Savings.without("trailing_tokens")},
    beside="native",
    obstacle=_obstacle,
)
