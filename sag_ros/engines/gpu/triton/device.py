"""Where Triton kernels run: compiled on a GPU, or interpreted on the CPU, where tests check them."""

from __future__ import annotations

import torch
import triton

from sag_ros.engines.gpu.triton.blocks import normalise


def require_interpreter(device: torch.device, parts: int) -> None:
    """Raise ValueError unless kernels are compiled for a GPU, or interpreted for the CPU in one part."""
    interpreted = not isinstance(normalise, triton.JITFunction)
    if device.type == "cuda" and interpreted:
        raise ValueError("TRITON_INTERPRET is set: kernels would run on the CPU; unset it, or use device cpu")
    if device.type == "cpu" and not interpreted:
        raise ValueError(
            "Triton kernels run on the CPU only for tests: set TRITON_INTERPRET=1 before Triton is "
            "imported, or use engine native"
        )
    if device.type == "cpu" and parts > 1:
        raise ValueError(f"{parts} parts need a GPU: the interpreter runs them one by one; use parts 1")


def shared_memory_of(device: torch.device) -> int | None:
    """Bytes of shared memory that one program may use; None on the CPU."""
    if device.type != "cuda":
        return None
    properties = triton.runtime.driver.active.utils.get_device_properties(device.index)
    return int(properties["max_shared_mem"])
