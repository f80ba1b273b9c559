"""OpenVINO as the engines use it: one thread, static shapes, inference on shared numpy memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import openvino as ov
import openvino.opset13 as ops

from sag_ros.engines.buffers import aligned

INT8_GROUP = 64  # activations that share a scale
PRECISIONS = ("auto", "f32", "bf16", "int8")


@cache
def make_core() -> ov.Core:
    """The core of this process, never destroyed: destroying one leaves a freed signal stack behind (2026.4),
    on which the next Ctrl-C crashes. Options are given to each model, not to the core."""
    return ov.Core()


def choose_precision(core: ov.Core, precision: str) -> str:
    """``auto`` -> bf16 where the CPU computes in it, else f32; raises ValueError for an unknown one."""
    if precision not in PRECISIONS:
        raise ValueError(f"unknown precision {precision!r}; available: {', '.join(PRECISIONS)}")
    if precision != "auto":
        return precision
    return _floating(core)


def _floating(core: ov.Core) -> str:
    return "bf16" if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"


def compile_model(core: ov.Core, model: ov.Model, precision: str) -> Any:
    """Compile for one CPU thread without a pool of its own; ``int8`` concerns int8 weights alone."""
    options = {
        "INFERENCE_NUM_THREADS": 1,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": _floating(core) if precision == "int8" else precision,
        "ENABLE_CPU_PINNING": False,
        # Generated element-wise code brings nothing here, and its compiler (2026.4) crashes on small shapes:
        # Mish, group norm and attention of small policies.
        "SNIPPETS_MODE": "DISABLE",
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": INT8_GROUP if precision == "int8" else 0,
    }
    return core.compile_model(model, "CPU", options)


class Request:
    """One inference request on shared numpy memory; calling it runs it."""

    def __init__(self, compiled: Any) -> None:
        self._request: Any = compiled.create_infer_request()
        # The wrapper class dispatches inputs and converts outputs on every call: 3 of 10 microseconds.
        infer = ov._pyopenvino.InferRequest.infer
        self._run: Callable[[], object] = partial(infer, self._request, {}, True, False)
        try:
            self._run()
        except TypeError:  # another version's signature
            self._run = partial(self._request.infer, share_outputs=True)

    def bind_input(self, array: np.ndarray, index: int = 0) -> None:
        """Read input ``index`` from ``array``, whose memory is shared."""
        self._request.set_input_tensor(index, ov.Tensor(array, shared_memory=True))

    def bind_output(self, array: np.ndarray, index: int = 0) -> None:
        """Write output ``index`` to ``array``, whose memory is shared."""
        self._request.set_output_tensor(index, ov.Tensor(array, shared_memory=True))

    def __call__(self) -> None:
        self._run()


def matrix_product(size: int, precision: str) -> Request:
    """A product of two (size, size) matrices, to measure what the library reaches on this machine."""
    left = ops.parameter([size, size], np.float32)
    weight = ops.constant(np.random.default_rng(0).standard_normal((size, size), np.float32))
    model = ov.Model([ops.matmul(left, weight, False, True)], [left], "peak")
    request = Request(compile_model(make_core(), model, precision))
    request.bind_input(aligned(size, size))
    return request
