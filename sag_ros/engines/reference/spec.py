"""Engine ``reference`` for the registry."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sag_ros.engines.engine_spec import EngineSpec

if TYPE_CHECKING:
    from sag_ros.engines.protocol import Engine


def _load() -> Callable[..., Engine]:
    from sag_ros.engines.reference import reference_engine

    return reference_engine


ENGINE = EngineSpec(
    name="reference",
    load=_load,
)
