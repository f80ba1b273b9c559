"""Starts the kernel of engine ``persistent``, compiled on a GPU or interpreted on the CPU."""

from __future__ import annotations

from typing import Any

import torch
import triton
from torch import Tensor

from sag_ros.engines.persistent_sizes import Sizes
from sag_ros.engines.triton_chunk import chunk


def require_interpreter(device: torch.device, parts: int) -> None:
    """Raise ValueError unless kernels are compiled for a GPU, or interpreted for the CPU in one part."""
    interpreted = not isinstance(chunk, triton.JITFunction)
    if device.type == "cuda" and interpreted:
        raise ValueError("TRITON_INTERPRET is set: kernels would run on the CPU; unset it, or use device cpu")
    if device.type == "cpu" and not interpreted:
        raise ValueError(
            "engine persistent runs on the CPU only for tests: set TRITON_INTERPRET=1 before Triton is "
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


def launch(
    arrays: tuple[Tensor, ...], numbers: tuple[int, ...], sizes: Sizes, warps: int, programs: int = 0
) -> None:
    """Queue one launch; ``arrays`` and ``numbers`` are the arguments of ``triton_chunk.chunk`` in order.

    programs: of the grid, where they are not all of ``sizes.PARTS`` (tests).
    """
    options: dict[str, Any] = {"num_warps": warps}
    if arrays[0].is_cuda and sizes.PARTS > 1:
        options["launch_cooperative_grid"] = True
    chunk[(programs or sizes.PARTS,)](*arrays, *numbers, **sizes._asdict(), **options)
