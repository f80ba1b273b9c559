"""Products of a few tokens with large weights.

A chunk multiplies about ten rows with megabytes of weights, so weights are laid out in the order in which
they are read: panels of some output columns, each panel whole before the next.

Forms: see ``microkernel``. All are handled as uint16, two of them being one float32 or one pair: whoever
calls is compiled once for all.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sag_ros.engines.buffers import aligned
from sag_ros.engines.cpu.assembly import call
from sag_ros.engines.cpu.jit import kernel
from sag_ros.engines.native.microkernel import LANES, MOST_ROWS, address

Float32 = NDArray[np.float32]
Packed = NDArray[np.uint16]


class Tile(NamedTuple):
    """How a number of rows is multiplied: some at once, then one less at once, so that none is left over.

    Attributes:
        rows: how many at once, the first ``full`` times; after that ``rows - 1``.
        narrow, wide: addresses of the compiled code for panels of one and two vectors, for ``rows`` and
            ``rows - 1`` rows.
    """

    rows: int
    full: int
    narrow: tuple[int, int]
    wide: tuple[int, int]


def tile_of(rows: int, form: str) -> Tile:
    """A tile for ``rows`` rows in a form."""
    tiles = -(-rows // MOST_ROWS)
    most = -(-rows // tiles)
    full = rows - tiles * (most - 1)
    less = most if full == tiles else most - 1
    narrow = "f32" if form == "widened" else form
    return Tile(
        most,
        full,
        (address(most, 1, narrow), address(less, 1, narrow)),
        (address(most, 2, form), address(less, 2, form)),
    )


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
    as many rows as the tile is for.
    """
    panels, inner, columns = weights.shape[:3]
    rows, width = out.shape
    codes = tile.wide if width == 2 * LANES * panels else tile.narrow
    for panel in range(panels):
        column = panel * (width // panels)
        row, number = 0, 0
        while row < rows:
            full = number < tile.full
            code = codes[0] if full else codes[1]
            starts = row * inner, panel * inner * columns, column, row * width + column
            call(code, (x, weights, bias, out), starts, (inner, width, inner, 1, 0))
            row += tile.rows if full else tile.rows - 1
            number += 1


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
