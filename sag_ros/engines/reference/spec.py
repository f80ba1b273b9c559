"""Engine ``reference`` for the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sag_ros.engines.engine_spec import EngineSpec

if TYPE_CHECKING:
    from sag_ros.engines.protocol import Engine
    from sag_ros.policy.bundle import PolicyBundle
    from sag_ros.policy.schedule import CoefficientTable


def _build(bundle: PolicyBundle, table: CoefficientTable, **options: Any) -> Engine:
    from sag_ros.engines.reference.engine import ReferenceEngine

    return ReferenceEngine(bundle, table, **options)


ENGINE = EngineSpec(
    name="reference",
    build=_build,
)
