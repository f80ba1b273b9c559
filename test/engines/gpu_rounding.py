"""Triton's interpreter cuts bf16 off where a GPU rounds to the nearest; here it rounds, too."""

from __future__ import annotations

import importlib.util

import numpy as np
import torch


def round_as_a_gpu():
    """From now on, in this process; nothing where Triton is not installed."""
    if importlib.util.find_spec("triton") is None:
        return
    import triton.language as tl
    from triton.runtime import interpreter

    convert = interpreter._convert_float

    def rounding(values, given, wanted, mode):
        if (given, wanted) != (tl.float32, tl.bfloat16):
            return convert(values, given, wanted, mode)
        rounded = torch.from_numpy(np.ascontiguousarray(values)).bfloat16().view(torch.int16)
        return rounded.numpy().view(np.uint16).reshape(values.shape)

    interpreter._convert_float = rounding
