"""What a policy says of itself that is for a benchmark."""

from __future__ import annotations

from typing import Any

from sag_ros.policy.meanings import SETPOINT
from sag_ros.sim.benchmarks.protocol import Benchmark


def contract_of(benchmark: Benchmark) -> dict[str, Any]:
    """Joints, state and actions of a policy for ``benchmark``, as ``policy.yaml`` has them."""
    return {
        "joints": list(benchmark.joints),
        "state": list(benchmark.parts),
        "signals": {name: {"size": size, "unit": unit} for name, (size, unit) in benchmark.parts.items()},
        "action": [{"name": one.name, "meaning": SETPOINT, "unit": one.unit} for one in benchmark.setpoints],
    }
