"""Starts the kernel of engine ``persistent``, compiled on a GPU or interpreted on the CPU."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from sag_ros.engines.gpu.triton.sizes import Sizes
from sag_ros.engines.persistent.kernel import chunk


def launch(
    arrays: tuple[Tensor, ...], numbers: tuple[int, ...], sizes: Sizes, warps: int, programs: int = 0
) -> None:
    """Queue one launch; ``arrays`` and ``numbers`` are the arguments of ``kernel.chunk`` in order.

    programs: of the grid, where they are not all of ``sizes.PARTS`` (tests).
    """
    options: dict[str, Any] = {"num_warps": warps}
    if arrays[0].is_cuda and sizes.PARTS > 1:
        options["launch_cooperative_grid"] = True
    chunk[(programs or sizes.PARTS,)](*arrays, *numbers, **sizes._asdict(), **options)
