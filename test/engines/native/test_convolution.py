"""Convolutions and norms over padded pictures, against torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from formats import needs_native
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from sag_ros.engines.buffers import aligned
from sag_ros.engines.native.convolution import (
    Norm,
    convolution,
    convolve,
    group_norm,
    output_size,
    picture,
    rectify,
)
from sag_ros.engines.native.microkernel import LANES
from sag_ros.engines.native.packed_matmul import write_operand


def bf16(x):
    return torch.from_numpy(np.asarray(x, np.float32)).bfloat16().float().numpy()


def filled(x, border, form):
    """A picture of x (H, W, C), as the network would write it."""
    height, width, channels = x.shape
    made = picture(height, width, channels, border, form)
    even = channels + channels % 2
    for y in range(height):
        line = np.zeros((width, even), np.float32)
        line[:, :channels] = x[y]
        write_operand(line, made[border + y][border : border + width])
    return made


@pytest.mark.parametrize("form", [pytest.param(name, marks=needs_native(name)) for name in ("f32", "pairs")])
@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(1, 9),
    width=st.integers(1, 40),
    channels=st.integers(1, 7),
    panels=st.integers(1, 3),
    size=st.sampled_from([1, 3, 5]),
    stride=st.sampled_from([1, 2]),
    more=st.integers(0, 1),
    seed=st.integers(0, 99),
)
def test_convolution(form, height, width, channels, panels, size, stride, more, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((height, width, channels)).astype(np.float32)
    weight = rng.standard_normal((panels * LANES, channels, size, size)).astype(np.float32)
    bias = rng.standard_normal(len(weight)).astype(np.float32)
    border = size // 2 + more
    lines, columns = (output_size(count, size, stride) for count in (height, width))
    out = np.full((lines, columns, len(weight)), np.nan, np.float32)
    convolve(filled(x, border, form), border, convolution(weight, stride, columns, form, bias), out)
    if form == "pairs":
        x, weight = bf16(x), bf16(weight)
    tensors = (torch.from_numpy(one).double() for one in (np.moveaxis(x, -1, 0)[None], weight, bias))
    expected = F.conv2d(*tensors, stride=stride, padding=size // 2)[0].numpy()
    np.testing.assert_allclose(np.moveaxis(out, -1, 0), expected, rtol=1e-5, atol=2e-5)


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(1, 6),
    width=st.integers(2, 9),
    groups=st.integers(1, 3),
    size=st.sampled_from([2, 8]),
    shift=st.sampled_from([0.0, 1e3]),
    added=st.booleans(),
    seed=st.integers(0, 99),
)
def test_norm_and_rectifier(height, width, groups, size, shift, added, seed):
    rng = np.random.default_rng(seed)
    channels = groups * size
    x = (shift + rng.standard_normal((height, width, channels))).astype(np.float32)
    gain, bias = rng.standard_normal((2, channels)).astype(np.float32)
    other = rng.standard_normal(x.shape).astype(np.float32)
    expected = F.group_norm(
        torch.from_numpy(np.moveaxis(x, -1, 0)[None]).double(),
        groups,
        torch.from_numpy(gain).double(),
        torch.from_numpy(bias).double(),
        1e-5,
    )
    expected = np.moveaxis(expected[0].numpy(), 0, -1) + (other if added else 0.0)
    lines, target = aligned(3, width * channels), picture(height, width, channels, 1, "f32")
    group_norm(x, Norm(gain, bias, groups, 1e-5), lines)
    rectify(x, lines, other if added else other[:0], 1, target)
    np.testing.assert_allclose(
        x, np.maximum(expected, 0.0), rtol=1e-3 if shift else 1e-4, atol=1e-3 if shift else 1e-5
    )
    written = target.view(np.float32)
    assert np.array_equal(written[1 : 1 + height, 1 : 1 + width], x)
    assert not written[0].any()
    assert not written[:, 1 + width :].any()


def test_not_a_number_stays():
    x = np.ones((2, 2, 8), np.float32)
    x[0, 0, 0] = np.nan
    lines = aligned(3, 16)
    group_norm(x, Norm(np.ones(8, np.float32), np.zeros(8, np.float32), 1, 1e-5), lines)
    rectify(x, lines, x[:0], 0, picture(2, 2, 8, 0, "f32"))
    assert np.isnan(x).all()


def test_refusals():
    with pytest.raises(ValueError, match="square"):
        convolution(np.zeros((LANES, 2, 3, 1)), 1, 5, "f32")
    with pytest.raises(ValueError, match=f"multiple of {LANES} outputs"):
        convolution(np.zeros((LANES + 1, 2, 3, 3)), 1, 5, "f32")
