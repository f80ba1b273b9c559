"""Engine ``openvino`` for the registry."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sag_ros.engines.engine_spec import EngineSpec

if TYPE_CHECKING:
    from sag_ros.engines.protocol import Engine
    from sag_ros.policy.bundle import PolicyBundle
    from sag_ros.policy.schedule import CoefficientTable


def _load() -> Callable[..., Engine]:
    from sag_ros.engines.openvino.engine import OpenVinoEngine
    from sag_ros.engines.openvino.unet import OpenVinoUNet

    def build(bundle: PolicyBundle, table: CoefficientTable, **options: Any) -> Engine:
        kind = OpenVinoEngine if bundle.contract.unet is None else OpenVinoUNet
        return kind(bundle, table, **options)

    return build


def _obstacle(bundle: PolicyBundle | None, precision: str, all_tokens: bool) -> str | None:
    from sag_ros.engines.savings.cross_attention import require_token_wise

    if bundle is not None and bundle.contract.network is not None:
        require_token_wise(bundle.contract.transformer.cond_layers)
    return None


ENGINE = EngineSpec(
    name="openvino",
    load=_load,
    packages=("openvino", "numba"),
    install="extra [openvino]",
    stateful=False,
    beside="openvino",
    obstacle=_obstacle,
)
