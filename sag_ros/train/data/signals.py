"""Demonstrations whose state also has places that only the simulator knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sag_ros.data.demonstrations import Demonstrations
from sag_ros.train.data.poses import JOINTS, PoseDemonstrations
from sag_ros.values import coordinates


class SignalDemonstrations:
    """Demonstrations with places (``bag``, ``zone``) behind the state.

    Args:
        demonstrations: with privileged columns ``bag_x``, ``bag_y``, ...
        signals: names of the places, in order.

    Attributes:
        state: (N, S + ...) float32; all others are those of ``demonstrations``.
        contract: what a policy that is trained on them says of that.

    Raises:
        ValueError: a place that was not recorded.
    """

    def __init__(self, demonstrations: Demonstrations | PoseDemonstrations, signals: Sequence[str]) -> None:
        self._own = demonstrations
        columns = [coordinates(demonstrations.privileged_names, name) for name in signals]
        places = [demonstrations.privileged[:, own] for own in columns]
        self.state = np.column_stack([demonstrations.state, *places]).astype(np.float32)
        own: dict[str, Any] = getattr(demonstrations, "contract", {})
        self.contract = {
            **own,
            "state": [*own.get("state", JOINTS), *signals],
            "signals": {
                name: {"size": len(found), "unit": "m"} for name, found in zip(signals, columns, strict=True)
            },
        }

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)

    def __len__(self) -> int:
        return len(self._own)
