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


def whole_error(x, weights):
    """(rows, outputs) by how much a product of whole numbers may be off: half a unit of each number."""
    x, weights = np.abs(x).astype(np.float64), np.abs(weights)
    room = (2**31 - 1) // 4096 - x.shape[1]
    unit = np.maximum(weights.sum(axis=1) / room, weights.max(axis=1) / 32767)
    step = x.max(axis=1, keepdims=True) / 4095
    return 0.51 * (x.sum(axis=1, keepdims=True) * unit + step * (weights.sum(axis=1) + x.shape[1] * unit))


@pytest.mark.parametrize("form", [pytest.param(name, marks=needs_native(name)) for name in FORMS])
@settings(max_examples=30, deadline=None)
@given(
    tokens=st.integers(1, 3 * MOST_ROWS + 1),
    panels=st.integers(1, 5),
    inner=st.integers(2, 20),
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
    allowed = whole_error(x, weights) if form == "whole" else 0.0
    assert (np.abs(out - expected) <= 1e-5 + 1e-5 * np.abs(expected) + allowed).all()


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


def _product(x, weights):
    left, out = operand(len(x), x.shape[1], "whole"), aligned(len(x), len(weights))
    write_operand(x, left)
    multiply(tile_of(len(x), "whole"), left, pack(weights, "whole"), np.zeros(len(weights), np.float32), out)
    return out


@needs_native("whole")
@settings(max_examples=30, deadline=None)
@given(inner=st.sampled_from([4, 30, 256, 1024, 4096]), power=st.integers(-30, 30), seed=st.integers(0, 99))
def test_whole_numbers_never_overflow(inner, power, seed):
    """Also where all numbers are at their largest and of one sign, which adds up to the most."""
    rng = np.random.default_rng(seed)
    sign = rng.choice([-1.0, 1.0], inner).astype(np.float32)
    x = (2.0**power * sign * np.ones((3, inner), np.float32)).astype(np.float32)
    weights = sign * np.ones((LANES, inner), np.float32)
    weights[1:] *= rng.uniform(0.5, 1.0, (LANES - 1, inner)).astype(np.float32)
    expected = x.astype(np.float64) @ weights.T
    np.testing.assert_allclose(_product(x, weights), expected, rtol=2e-3)


@needs_native("whole")
def test_whole_numbers_keep_nothing_and_not_a_number():
    x = np.zeros((5, 8), np.float32)
    x[1, 3], x[2, 0], x[3, 7], x[4] = np.nan, np.inf, -np.inf, 1.0
    weights = np.ones((2 * LANES, 8), np.float32)
    weights[3] = 0.0
    out = _product(x, weights)
    assert (out[0] == 0.0).all()
    assert not np.isfinite(out[1:4, [0, 1, 2]]).any()
    np.testing.assert_allclose(out[4], 8.0 * (weights[:, 0] > 0), rtol=1e-3)


def test_refusals():
    with pytest.raises(ValueError, match=f"multiple of {LANES} outputs"):
        pack(np.zeros((LANES + 1, 4)), "f32")
    with pytest.raises(ValueError, match="even inputs"):
        pack(np.zeros((LANES, 3)), "pairs")
    for inner in (2, 5):
        with pytest.raises(ValueError, match="at least 4"):
            pack(np.zeros((LANES, inner)), "whole")


def test_alignment():
    for shape in ((3, 5), (1,), (2, 2, 2)):
        array = aligned(*shape, dtype=np.uint16)
        assert array.shape == shape
        assert array.ctypes.data % 64 == 0
        assert not array.any()
