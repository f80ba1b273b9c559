"""Data-parallel training on several processes of one machine, started by ``torchrun``.

Each process takes its share of every batch and the gradients are averaged, so the result is that of one
process up to the random numbers of the noise. Small matrices keep one core busy, hardly two: two processes
of one thread each train DP-T faster than one with two threads.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import torch
from torch import Tensor, distributed


def join() -> None:
    """Join the other processes if ``torchrun`` started this one; otherwise do nothing."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not distributed.is_initialized():
        distributed.init_process_group("gloo")


def world() -> int:
    """Number of processes."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def rank() -> int:
    """Number of this process; process 0 logs and saves."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def share(indices: Tensor) -> Tensor:
    """The samples (B / world,) of a batch (B,) that are this process's."""
    return indices[rank() :: world()]


def anyone(flag: bool) -> bool:
    """Whether ``flag`` is set in any process; all of them must ask."""
    if world() == 1:
        return flag
    value = torch.tensor([float(flag)])
    distributed.all_reduce(value)
    return bool(value.item() > 0)


def mean(value: Tensor) -> Tensor:
    """The mean of a tensor over the processes."""
    if world() == 1:
        return value
    total = value.clone()
    distributed.all_reduce(total)
    return total / world()


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Replace every gradient by its mean over the processes."""
    if world() == 1:
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([g.reshape(-1) for g in gradients])
    distributed.all_reduce(flat)
    flat /= world()
    torch._foreach_copy_(gradients, [v.view_as(g) for v, g in zip(
        flat.split([g.numel() for g in gradients]), gradients, strict=True)])  # fmt: skip
