"""Is there a GPU for the GPU engines, and in which formats does it compute?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from sag_ros.engines.savings.cross_attention import require_token_wise

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}
"""Formats of weights and products; norms, softmax, residual stream and sample are float32 in all of them."""


def cuda_obstacle() -> str | None:
    """Why torch has no GPU here; None when it has one. Creates no CUDA context."""
    if torch.version.cuda is None:
        return (
            f"torch {torch.__version__} is a build without CUDA; pytorch.org tells how to install one with it"
        )
    if not torch.cuda.is_available():
        return "no NVIDIA GPU, or its driver does not work (nvidia-smi should list one)"
    return None


def choose_device(device: str) -> torch.device:
    """``auto`` -> the current GPU; ``cpu`` executes the same operations there, for checks alone.

    Raises:
        ValueError: no GPU, or a device that is neither.
    """
    chosen = torch.device("cuda" if device == "auto" else device)
    if chosen.type not in ("cuda", "cpu"):
        raise ValueError(f"device {device!r} is neither a GPU nor the CPU; use auto, cuda, cuda:N or cpu")
    if chosen.type == "cuda":
        reason = cuda_obstacle()
        if reason is not None:
            raise ValueError(f"{reason}; use engine native, openvino or reference")
        if chosen.index is None:
            chosen = torch.device("cuda", torch.cuda.current_device())
    return chosen


def choose_precision(precision: str, device: torch.device) -> str:
    """``auto`` -> bf16 where the GPU multiplies it (compute capability 8.0), else f16; f32 on the CPU.

    Raises:
        ValueError: unknown.
    """
    if precision == "auto":
        if device.type != "cuda":
            return "f32"
        return "bf16" if torch.cuda.get_device_capability(device) >= (8, 0) else "f16"
    if precision not in DTYPES:
        raise ValueError(
            f"precision {precision!r} is not available on GPUs; available: auto, {', '.join(DTYPES)}"
        )
    return precision


def gpu_obstacle(bundle: PolicyBundle | None, precision: str) -> str | None:
    """Why no engine of a GPU can run ``bundle`` here; None when nothing is known.

    Raises:
        ValueError: an unknown precision, or conditioning that is not token-wise.
    """
    reason = cuda_obstacle()
    if reason is None:
        choose_precision(precision, choose_device("auto"))
        if bundle is not None:
            require_token_wise(bundle.contract.transformer.cond_layers)
    return reason


@contextmanager
def full_sums() -> Iterator[None]:
    """Matrix products that are recorded in this context sum in float32 and do not round float32 to TF32,
    whatever the process has asked torch for."""
    matmul = torch.backends.cuda.matmul
    names = "allow_bf16_reduced_precision_reduction", "allow_fp16_reduced_precision_reduction"
    before = {name: getattr(matmul, name) for name in names}
    rounding = torch.get_float32_matmul_precision()
    try:
        for name in names:
            setattr(matmul, name, False)
        if rounding != "highest":
            torch.set_float32_matmul_precision("highest")
        yield
    finally:
        for name, value in before.items():
            setattr(matmul, name, value)
        if rounding != "highest":
            torch.set_float32_matmul_precision(rounding)
