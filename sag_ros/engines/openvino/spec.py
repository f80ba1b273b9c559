"""Engine ``openvino`` for the registry."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sag_ros.engines.engine_spec import EngineSpec, by_denoiser

if TYPE_CHECKING:
    from sag_ros.engines.protocol import Engine
    from sag_ros.policy.bundle import PolicyBundle


def _load() -> Callable[..., Engine]:
    from sag_ros.engines.openvino.engine import OpenVinoEngine
    from sag_ros.engines.openvino.unet import OpenVinoUNet

    return by_denoiser(OpenVinoEngine, OpenVinoUNet)


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
