"""What this machine could do at best, measured: arithmetic rate and memory bandwidth of one thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sag_ros.engines.buffers import aligned
from sag_ros.engines.cpu.jit import kernel
from sag_ros.engines.native.microkernel import available_forms, form_of
from sag_ros.engines.native.packed_matmul import multiply, operand, pack, tile_of

REPETITIONS = 30
BYTES = {"f32": 4, "bf16": 2, "int16": 2, "int8": 1}


@dataclass(frozen=True)
class MachineLimits:
    """Rates of one thread.

    Attributes:
        gflops: precision -> GFLOP/s of a large OpenVINO matrix product, or of this project's own products
            with weights that stay in the cache, whichever is faster.
        streams: precision -> GB/s at which as many bytes as all weights have in it are read again and again,
            from whatever cache they fit in.
        memory: GB/s of the same with 256 MB, which fit in none.
    """

    gflops: dict[str, float]
    streams: dict[str, float]
    memory: float

    def rate(self, precision: str) -> float:
        """GFLOP/s of what computes with weights in ``precision``; int8 ones are widened to bf16."""
        return self.gflops.get(precision, self.gflops["bf16"])

    def floor_ms(self, gflop: float, weight_bytes: float, precision: str) -> float:
        """max(executed arithmetic / rate, weights read once per use / bandwidth), ms."""
        return 1e3 * max(gflop / self.rate(precision), weight_bytes / 1e9 / self.streams[precision])


def measure_limits(weights: int, size: int = 1024) -> MachineLimits:
    """Take the best of several repetitions: a limit is not an average.

    Args:
        weights: number of weights of the network's blocks.
        size: of the matrix product.
    """
    return MachineLimits(
        {name: max(_matmul(name, size), _packed(name)) for name in ("f32", "bf16")}
        | ({"int16": _packed("int16")} if "whole" in available_forms() else {}),
        {name: _stream(weights * each) for name, each in BYTES.items()},
        _stream(256 * 2**20),
    )


def _matmul(precision: str, size: int) -> float:
    from sag_ros.engines.openvino.runtime import matrix_product

    return 2e-9 * size**3 / _best(matrix_product(size, precision))


def _packed(precision: str, rows: int = 9, inner: int = 256, width: int = 256) -> float:
    form = form_of(precision)
    tile = tile_of(rows, form)
    left, out = operand(rows, inner, form), aligned(rows, width)
    weights, bias = pack(np.ones((width, inner)), form), np.zeros(width, np.float32)

    def repeat() -> None:
        for _ in range(20):
            multiply(tile, left, weights, bias, out)

    return 20 * 2e-9 * rows * inner * width / _best(repeat)


def _stream(count: int) -> float:
    """GB/s over ``count`` bytes."""
    array = np.ones(max(count // 4, 16), np.float32)
    return 1e-9 * array.nbytes / _best(lambda: _total(array))


@kernel
def _total(x: NDArray[np.float32]) -> float:
    total = np.float32(0.0)
    for i in range(len(x)):
        total += x[i]
    return float(total)


def _best(call: Callable[[], object]) -> float:
    times = []
    for _ in range(REPETITIONS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)
