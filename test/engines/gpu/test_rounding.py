"""That what stands in for a GPU rounds as one does."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("triton")

import triton
import triton.language as tl


@triton.jit
def cast(given, out, COUNT: tl.constexpr):
    """``out`` (COUNT,) = ``given`` in the format of ``out``."""
    place = tl.arange(0, COUNT)
    tl.store(out + place, tl.load(given + place).to(out.dtype.element_ty))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_formats_are_rounded_to_the_nearest(dtype):
    given = torch.cat([torch.randn(1020), torch.tensor([0.0, torch.inf, -torch.inf, torch.nan])])
    out = torch.empty(1024, dtype=dtype)
    cast[(1,)](given, out, 1024)
    torch.testing.assert_close(out, given.to(dtype), rtol=0, atol=0, equal_nan=True)
