from __future__ import annotations

import numpy as np
import pytest
from formats import needs_native
from hypothesis import given, settings
from hypothesis import strategies as st

from sag_ros.engines.buffers import aligned
from sag_ros.engines.native.microkernel import FORMS, LANES, MOST_ROWS
from sag_ros.engines.native.packed_matmul import (
    multiply,
    operand,
    pack,
    tile_of,
    write_operand,
)


def to_bf16(x):
    """Round to the nearest bfloat16, ties to even; not-a-number stays."""
    x = np.ascontiguousarray(x, np.float32)
    bits = x.view(np.uint32)
    rounded = ((bits + np.uint32(0x7FFF) + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
    return np.where(np.isnan(x), np.uint16(0x7FC0), rounded)


def widen(bits):
    """bfloat16 bits -> float32."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


@pytest.mark.parametrize("form", [pytest.param(name, marks=needs_native(name)) for name in FORMS])
@settings(max_examples=30, deadline=None)
@given(
    tokens=st.integers(1, 3 * MOST_ROWS + 1),
    panels=st.integers(1, 5),
    inner=st.integers(1, 20),
    seed=st.integers(0, 99),
)
def test_product(form, tokens, panels, inner, seed):
    rng = np.random.default_rng(seed)
    tile = tile_of(tokens, form)
    assert tile.rows <= MOST_ROWS
    x = rng.standard_normal((tokens, 2 * inner), np.float32)
    weights = rng.standard_normal((panels * LANES, 2 * inner))
    bias = rng.standard_normal(len(weights)).astype(np.float32)
    left, out = operand(tokens, 2 * inner, form), np.full((tokens, len(weights)), np.nan, np.float32)
    write_operand(x, left)
    multiply(tile, left, pack(weights, form), bias, out)
    rounded = widen(to_bf16(weights))
    if form == "pairs":
        x, weights = widen(to_bf16(x)), rounded
    if form == "widened" and panels % 2 == 0:  # a vector that is left over stays as it is
        weights = rounded
    expected = x.astype(np.float64) @ weights.T + bias
    np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-5)


def test_rounding():
    values = np.array([[1.0, -1.0, 1.00390625, 1.01171875, 3e38, np.inf, -np.inf, 1e-40, 0.0, np.nan]])
    values = np.ascontiguousarray(values, np.float32)
    left = operand(1, values.shape[1], "pairs")
    write_operand(values, left)
    assert np.array_equal(widen(left), widen(to_bf16(values)), equal_nan=True)
    # Halves between two numbers go to the even one.
    assert widen(left)[0, 2] == 1.0
    assert widen(left)[0, 3] == 1.015625
    awkward = np.array([[0x7F800001, 0xFFFFFFFF]], np.uint32).view(np.float32)  # not-a-number, both
    left = operand(1, 2, "pairs")
    write_operand(awkward, left)
    assert not np.isfinite(widen(left)).any()


def test_refusals():
    with pytest.raises(ValueError, match=f"multiple of {LANES} outputs"):
        pack(np.zeros((LANES + 1, 4)), "f32")
    with pytest.raises(ValueError, match="even inputs"):
        pack(np.zeros((LANES, 3)), "pairs")


def test_alignment():
    for shape in ((3, 5), (1,), (2, 2, 2)):
        array = aligned(*shape, dtype=np.uint16)
        assert array.shape == shape
        assert array.ctypes.data % 64 == 0
        assert not array.any()
