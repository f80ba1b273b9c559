"""The rules of what a CUDA graph may record, checked without a GPU: torch's device ``meta``, whose tensors
have a shape and no values, stands for one."""

from __future__ import annotations

import copy
from dataclasses import is_dataclass

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

GPU = "meta"
ASKS_THE_HOST = {"_local_scalar_dense", "is_nonzero", "equal"}
DEPENDS_ON_DATA = torch.Tag.dynamic_output_shape, torch.Tag.data_dependent_output


class Recording(TorchDispatchMode):
    """Refuses what a stream that is being captured would refuse, and what a replay would not do again.

    Attributes:
        operations: names of all that was done.
    """

    def __init__(self):
        super().__init__()
        self.operations = []

    def __torch_dispatch__(self, function, types, arguments=(), named=None):
        name = function._schema.name.removeprefix("aten::")
        self.operations.append(name)
        waits = name in ASKS_THE_HOST or any(tag in function.tags for tag in DEPENDS_ON_DATA)
        assert not waits, f"{name} asks the host"
        assert torch.Tag.nondeterministic_seeded not in function.tags, f"{name} draws random numbers"
        out = function(*arguments, **(named or {}))
        for tensor in tree_leaves((arguments, named, out)):
            if isinstance(tensor, Tensor):
                # What is on the host would be read when it is recorded, and never again.
                assert tensor.device.type == GPU, f"{name} touches a tensor on the {tensor.device}"
        return out


def record(work):
    """Do ``work`` under the rules; names of what it did."""
    with torch.no_grad(), Recording() as recording:
        work()
    return recording.operations


def move(value):
    """A copy on the GPU of a tensor, module, list, or object with such attributes; others as they are."""
    if isinstance(value, nn.Module):
        return copy.deepcopy(value).eval().to(GPU)
    if isinstance(value, Tensor):
        return value.to(GPU)
    if isinstance(value, list):
        return [move(own) for own in value]
    if not type(value).__module__.startswith("sag_ros") or is_dataclass(value):
        return value  # dataclasses here hold arrays of the host
    moved = copy.copy(value)
    for name, own in vars(value).items():
        # What is on the host on purpose stays there.
        setattr(moved, name, own if name.startswith("_host") else move(own))
    return moved
