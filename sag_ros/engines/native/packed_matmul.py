"""Products of a few tokens with large weights.

A chunk multiplies about ten rows with megabytes of weights, so weights are laid out in the order in which
they are read: panels of some output columns, each panel whole before the next.

Forms: see ``microkernel``. All are handled as uint16, two of them being one float32 or one pair: whoever
calls is compiled once for all.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from sag_ros.engines.buffers import aligned
from sag_ros.engines.cpu.jit import kernel
from sag_ros.engines.native.microkernel import LANES, MOST_ROWS, SIGNATURE, address

Float32 = NDArray[np.float32]
Packed = NDArray[np.uint16]


class Tile(NamedTuple):
    """How rows are multiplied.

    Attributes:
        rows: how many at once; buffers have a multiple of it.
        narrow, wide: addresses of the compiled code for panels of one and two vectors.
    """

    rows: int
    narrow: int
    wide: int


def tile_of(tokens: int, form: str) -> tuple[Tile, int]:
    """A tile for ``tokens`` rows in a form, and the rows that buffers need."""
    tiles = -(-tokens // MOST_ROWS)
    rows = -(-tokens // tiles)
    narrow = "f32" if form == "widened" else form
    return Tile(rows, address(rows, 1, narrow), address(rows, 2, form)), tiles * rows


def operand(rows: int, inner: int, form: str) -> Packed:
    """Buffer for the left side of a product (rows, inner), as :func:`write_operand` writes it."""
    return aligned(rows, inner if form == "pairs" else 2 * inner, dtype=np.uint16)


def pack(weights: NDArray[np.floating], form: str) -> Packed:
    """(..., out, in) -> panels (..., out / columns, in or in / 2, columns, 2).

    Widened: (..., out / columns, in, columns / 2, 2), number c of a line with number c + columns / 2; where
    one vector is left over, all as float32.

    Raises:
        ValueError: ``out`` is not a multiple of the vector length, or ``in`` is odd with pairs.
    """
    *outer, out, inner = weights.shape
    half = form == "pairs"
    if out % LANES or (half and inner % 2):
        raise ValueError(
            f"weights {out} x {inner}: need a multiple of {LANES} outputs, with pairs even inputs"
        )
    columns = 2 * LANES if out % (2 * LANES) == 0 else LANES
    rows = np.ascontiguousarray(weights, np.float32).reshape(-1, inner)
    if form == "widened" and columns == 2 * LANES:
        numbers = operand(len(rows), inner, "pairs")
        write_operand(rows, numbers)
        numbers = numbers.reshape(*outer, out // columns, 2, LANES, inner)
        packed = aligned(*outer, out // columns, inner, LANES, 2, dtype=np.uint16)
        packed[...] = np.moveaxis(numbers, (-1, -2, -3), (-3, -2, -1))
        return packed
    units = operand(len(rows), inner, form)
    write_operand(rows, units)
    units = units.reshape(*outer, out // columns, columns, -1, 2)
    packed = aligned(*outer, out // columns, units.shape[-2], columns, 2, dtype=np.uint16)
    packed[...] = np.swapaxes(units, -3, -2)
    return packed


@kernel
def multiply(tile: Tile, x: Packed, weights: Packed, bias: Float32, out: Float32) -> None:
    """``out = x weights + bias``.

    x (rows, ...) as :func:`write_operand` writes it, weights as :func:`pack` does, bias (N,), out (rows, N);
    rows a multiple of the tile's.
    """
    code = tile.wide if out.shape[1] == 2 * LANES * weights.shape[0] else tile.narrow
    for panel in range(weights.shape[0]):
        for row in range(0, out.shape[0], tile.rows):
            _run(code, x, weights, bias, out, row, panel)


@kernel
def write_operand(x: Float32, target: Packed) -> None:
    """Write x (rows, in) as the left side of a product: as it is, or rounded to bfloat16."""
    rows, inner = x.shape
    bits = x.view(np.uint32)
    if target.shape[1] != inner:
        copy = target.view(np.uint32)
        for r in range(rows):
            for c in range(inner):
                copy[r, c] = bits[r, c]
        return
    for r in range(rows):
        for c in range(inner):
            value = bits[r, c]
            # Infinity and not-a-number (exponent all ones) are cut: rounding could carry over.
            special = value & np.uint32(0x7F800000) == np.uint32(0x7F800000)
            carry = np.uint32(0x7FFF) + ((value >> np.uint32(16)) & np.uint32(1))
            value += np.uint32(0) if special else carry
            target[r, c] = np.uint16(value >> np.uint32(16))


@intrinsic
def _run(
    typingctx: Any, code: Any, x: Any, weights: Any, bias: Any, out: Any, row: Any, panel: Any
) -> tuple[Any, Any]:
    """Run ``code`` on some rows and one panel."""
    if any(array.layout != "C" for array in (x, weights, bias, out)):
        raise numba.TypingError("products need contiguous arrays")
    return types.void(types.intp, x, weights, bias, out, types.intp, types.intp), _call


def _call(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
    code, *values, row, panel = arguments
    x, weights, bias, out = (
        context.make_array(kind)(context, b, value)
        for kind, value in zip(signature.args[1:5], values, strict=True)
    )
    size = cgutils.unpack_tuple(b, weights.shape, 4)  # panels, inner, columns, 2
    width = cgutils.unpack_tuple(b, out.shape, 2)[1]
    column = b.mul(panel, b.udiv(width, size[0]))
    x_data, weight_data = (b.bitcast(array.data, ir.IntType(32).as_pointer()) for array in (x, weights))
    places = [
        b.gep(x_data, [b.mul(row, size[1])]),
        b.gep(weight_data, [b.mul(panel, b.mul(size[1], size[2]))]),
        b.gep(bias.data, [column]),
        b.gep(out.data, [b.add(b.mul(row, width), column)]),
    ]
    function = b.inttoptr(code, SIGNATURE.as_pointer())
    b.call(function, [*places, size[1], width])
    return context.get_dummy_value()
