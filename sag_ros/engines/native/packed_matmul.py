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


# Whole numbers of x, and the sum of those of a column of weights: their product is what 32 bits hold.
MOST, MOST_TOGETHER = 4095, (2**31 - 1) // 4096
SCALE = 2  # places of 16 bits that it takes


def operand(rows: int, inner: int, form: str) -> Packed:
    """Buffer for the left side of a product (rows, inner), as :func:`write_operand` writes it."""
    places = {"pairs": inner, "whole": inner + SCALE}.get(form, 2 * inner)
    return aligned(rows, places, dtype=np.uint16)


def pack(weights: NDArray[np.floating], form: str) -> Packed:
    """(..., out, in) -> panels (..., out / columns, in or in / 2, columns, 2).

    Widened: (..., out / columns, in, columns / 2, 2), number c of a line with number c + columns / 2; where
    one vector is left over, all as float32. Whole: one more line, of scales.

    Raises:
        ValueError: ``out`` is not a multiple of the vector length, or ``in`` is odd with pairs, or odd or
            less than 4 with whole numbers.
    """
    *outer, out, inner = weights.shape
    if out % LANES or (form in ("pairs", "whole") and inner % 2) or (form == "whole" and inner < 4):
        raise ValueError(
            f"weights {out} x {inner}: need a multiple of {LANES} outputs, with pairs and whole numbers even "
            "inputs, with whole numbers at least 4"
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
    if form == "whole":
        _write_whole(rows, units)
    else:
        write_operand(rows, units)
    units = units.reshape(*outer, out // columns, columns, -1, 2)
    packed = aligned(*outer, out // columns, units.shape[-2], columns, 2, dtype=np.uint16)
    packed[...] = np.swapaxes(units, -3, -2)
    return packed


def _write_whole(rows: NDArray[np.float32], target: Packed) -> None:
    """Weights (N, in) as whole numbers and their scale (N, in + SCALE)."""
    together, largest = np.abs(rows).sum(axis=1), np.abs(rows).max(axis=1)
    # Rounding may add half to each.
    scale = np.maximum(together / (MOST_TOGETHER - rows.shape[1]), largest / 32767)
    scale = np.where(scale > 0, scale, 1).astype(np.float32)
    target[:, :-SCALE].view(np.int16)[...] = np.rint(rows / scale[:, None])
    target[:, -SCALE:] = scale[:, None].view(np.uint16)


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
def _write_row_by_row(x: Float32, bits: NDArray[np.uint32], target: Packed) -> None:
    """As whole numbers, each row by its largest, and their scale."""
    rows, inner = x.shape
    words, scales, last = target.view(np.uint32), target.view(np.float32), inner // 2
    for r in range(rows):
        largest = np.uint32(0)  # as bits: in this order not-a-number is the largest of all
        for c in range(inner):
            largest = max(largest, bits[r, c] & np.uint32(0x7FFFFFFF))
        words[r, last] = largest
        factor = np.float32(MOST) / scales[r, last] if largest > 0 else np.float32(0.0)
        scales[r, last] *= np.float32(1.0 / MOST)
        for c in range(inner):
            # Cutting what is positive rounds down.
            target[r, c] = np.uint16(np.int32(x[r, c] * factor + np.float32(32768.5)) - np.int32(32768))


@kernel
def write_operand(x: Float32, target: Packed) -> None:
    """Write x (rows, in) as the left side of a product: as it is, as bfloat16, or as whole numbers."""
    rows, inner = x.shape
    bits = x.view(np.uint32)
    if target.shape[1] == 2 * inner:
        copy = target.view(np.uint32)
        for r in range(rows):
            for c in range(inner):
                copy[r, c] = bits[r, c]
        return
    if target.shape[1] != inner:
        _write_row_by_row(x, bits, target)
        return
    for r in range(rows):
        for c in range(inner):
            value = bits[r, c]
            # Infinity and not-a-number (exponent all ones) are cut: rounding could carry over.
            special = value & np.uint32(0x7F800000) == np.uint32(0x7F800000)
            carry = np.uint32(0x7FFF) + ((value >> np.uint32(16)) & np.uint32(1))
            value += np.uint32(0) if special else carry
            target[r, c] = np.uint16(value >> np.uint32(16))
