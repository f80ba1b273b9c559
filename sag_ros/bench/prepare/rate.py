"""How many chunks a second this machine can compute with one way of computing a policy."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sag_ros.bench.prepare.check_bundle import observations
from sag_ros.bench.run.machine import one_core
from sag_ros.bench.run.statistics import percentile

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle

BESIDE_MS = 3.0  # that splice, guard and messages take of the policy's core for each chunk, on the graph
WANTED = 45.0  # chunks a second


@dataclass(frozen=True)
class Rate:
    """What one way takes on one core.

    Attributes:
        name: sampler and mask source.
        engine: and its precision.
        encode: ms for one new frame of every camera, p50.
        compute: ms of pruner, plan and denoising, p50 and p99.
    """

    name: str
    engine: str
    encode: float
    compute: tuple[float, float]

    @property
    def chunks(self) -> float:
        """A second, when everything else of the policy's node runs on the same core."""
        return 1e3 / (self.encode + self.compute[0] + BESIDE_MS)


def measure(
    bundle: PolicyBundle, sampler: str, mask_source: str, engine: str = "auto", count: int = 40
) -> Rate:
    """Compute ``count`` chunks on one core, after some that do not count.

    Raises:
        ValueError, ImportError: what cannot be built.
    """
    from sag_ros.engines.runner import PolicyRunner

    runner = PolicyRunner(bundle, sampler, mask_source, engine)
    features = observations(runner, 4)
    pictures = {name: _picture(size.height, size.width) for name, size in bundle.contract.cameras.items()}
    encoded, computed = [], []
    with one_core():
        for number in range(count + count // 4):
            start = time.perf_counter()
            for name, picture in pictures.items():
                runner.encode(name, picture)
            middle = time.perf_counter()
            runner.infer(0.05 * number, features[number % len(features)])
            if number >= count // 4:
                encoded.append(1e3 * (middle - start))
                computed.append(1e3 * (time.perf_counter() - middle))
    spread = percentile(computed, 50), percentile(computed, 99)
    return Rate(f"{sampler}+{mask_source}", runner.engine_name, percentile(encoded, 50), spread)


def _picture(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)
