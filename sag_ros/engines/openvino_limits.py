"""What this machine could do at best, measured: arithmetic rate and memory bandwidth of one thread."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

REPETITIONS = 20


@dataclass(frozen=True)
class MachineLimits:
    """Rates of one thread.

    Attributes:
        gflops: precision -> GFLOP/s of a large OpenVINO matrix product.
        bandwidth: GB/s read from memory by a sum over 256 MB.
    """

    gflops: dict[str, float]
    bandwidth: float

    def floor_ms(self, gflop: float, weight_bytes: float, precision: str) -> float:
        """max(executed arithmetic / rate, weights read once per use / bandwidth), ms."""
        rate = self.gflops[precision]
        return 1e3 * max(gflop / rate, weight_bytes / 1e9 / self.bandwidth)


def measure_limits(precisions: tuple[str, ...] = ("f32", "bf16"), size: int = 1024) -> MachineLimits:
    """Take the best of several repetitions: a limit is not an average."""
    return MachineLimits({name: _matmul(name, size) for name in precisions}, _bandwidth())


def _matmul(precision: str, size: int) -> float:
    import openvino as ov
    import openvino.opset13 as ops

    from sag_ros.engines.openvino_runtime import Request, aligned, compile_model, make_core

    left = ops.parameter([size, size], np.float32)
    weight = ops.constant(np.random.default_rng(0).standard_normal((size, size), np.float32))
    model = ov.Model([ops.matmul(left, weight, False, True)], [left], "peak")
    request = Request(compile_model(make_core(), model, precision))
    request.bind_input(aligned(size, size))
    return 2e-9 * size**3 / _best(request)


def _bandwidth() -> float:
    array = np.ones(64 * 2**20, np.float32)
    return 1e-9 * array.nbytes / _best(array.sum)


def _best(call: object) -> float:
    times = []
    for _ in range(REPETITIONS):
        start = time.perf_counter()
        call()  # type: ignore[operator]
        times.append(time.perf_counter() - start)
    return min(times)
