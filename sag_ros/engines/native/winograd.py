"""3 x 3 convolutions with 16 products for 2 x 2 outputs, where the definition takes 36.

Squares of 4 x 4 pixels are spread over 16 planes, each plane is multiplied with its share of the kernel, and
the products are gathered into 2 x 2 outputs: F(2 x 2, 3 x 3) of Lavin and Gray, arXiv 1509.09308. In float32
that is as exact as the definition, in bfloat16 it would not be.

Shapes: C channels, N output channels, squares of two lines of the output at a time: S, half of its width.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numpy.typing import NDArray

from sag_ros.engines.buffers import aligned
from sag_ros.engines.cpu.assembly import FLOATS, LONG, VECTOR, assemble, call, load, store
from sag_ros.engines.cpu.jit import kernel
from sag_ros.engines.native.microkernel import LANES
from sag_ros.engines.native.packed_matmul import Float32, Packed, Tile, multiply, operand, pack, tile_of

SIZE = 3  # of the kernel
# arXiv 1509.09308, equation 7: how a line of the kernel becomes four numbers.
_SPREAD_KERNEL = np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]])


class Planes(NamedTuple):
    """A kernel and what lies between.

    Attributes:
        spread, gather: addresses of compiled code.
        tile: for S rows.
        weights: (16, ...) packed, C -> N; none for a convolution that is computed otherwise.
        left: (16, S, C) left sides of the products. product: (16, S, N).
        square: (2, 2 S, N), two lines of outputs.
        nothing: (N,), a bias.
    """

    spread: int
    gather: int
    tile: Tile
    weights: Packed
    left: Packed
    product: Float32
    square: Float32
    nothing: Float32


def fits(weight: NDArray[np.floating], stride: int, form: str) -> bool:
    """Whether a kernel (N, C, k, k) can be computed so, and exactly."""
    return form == "f32" and stride == 1 and weight.shape[1] % LANES == 0 and weight.shape[2:] == (SIZE, SIZE)


def planes_of(weight: NDArray[np.floating], width: int, used: bool) -> Planes:
    """Of a kernel (N, C, 3, 3) for lines of ``width`` outputs; without numbers where it is not ``used``."""
    outputs, channels = weight.shape[:2]
    squares, count = -(-width // 2), 16 if used else 0
    if used:
        spread = np.einsum("ai,bj,ncij->abnc", _SPREAD_KERNEL, _SPREAD_KERNEL, np.asarray(weight, np.float64))
        packed = pack(spread.reshape(16, outputs, channels), "f32")
    else:
        packed = pack(np.zeros((LANES, 2)), "f32")[None][:0]
    return Planes(
        _code(True)[0],
        _code(False)[0],
        tile_of(squares, "f32"),
        packed,
        operand(count * squares, channels, "f32").reshape(count, squares, 2 * channels),
        aligned(count, squares, outputs),
        aligned(2, 2 * squares * bool(count), outputs),
        aligned(outputs),
    )


@kernel
def convolve_planes(x: Packed, border: int, planes: Planes, bias: Float32, out: Float32) -> None:
    """As ``convolution.convolve``; x as ``convolution.picture``, float32."""
    columns, channels = x.shape[1], x.shape[2] // 2
    height, width, outputs = out.shape
    left, product, square = planes.left, planes.product, planes.square
    squares = left.shape[1]
    for line in range(0, height, 2):
        for s in range(squares):
            corner = ((line + border - 1) * columns + 2 * s + border - 1) * channels
            sizes = columns * channels, channels, squares * channels, channels
            call(planes.spread, (x, left), (corner, s * channels), sizes)
        for plane in range(16):
            multiply(planes.tile, left[plane], planes.weights[plane], planes.nothing, product[plane])
        for s in range(squares):
            places = s * outputs, 2 * s * outputs, 0
            sizes = squares * outputs, 2 * squares * outputs, outputs, outputs
            call(planes.gather, (product, square, bias), places, sizes)
        for row in range(min(2, height - line)):
            own, result = out[line + row], square[row]
            for pixel in range(width):
                for c in range(outputs):
                    own[pixel, c] = result[pixel, c]


@cache
def _code(spread: bool) -> tuple[int, Any]:
    """Compiled code: 4 x 4 pixels to 16 planes, or 16 planes to 2 x 2 outputs.

    Its arguments: x and planes; units from a line to the next, from a pixel to the next, from a plane to the
    next, channels. Or planes, outputs, bias; units from a plane to the next, from a line to the next, from a
    pixel to the next, channels.
    """
    if spread:
        return assemble([FLOATS, FLOATS, *[LONG] * 4], _generate_spread)
    return assemble([FLOATS, FLOATS, FLOATS, *[LONG] * 4], _generate_gather)


def _each_vector(b: Any, channels: Any, body: Any) -> None:
    """``body(first channel)`` for each vector of channels."""
    entry, loop, end = b.block, b.append_basic_block("channels"), b.append_basic_block("end")
    b.branch(loop)
    b.position_at_end(loop)
    channel = b.phi(LONG)
    channel.add_incoming(ir.Constant(LONG, 0), entry)
    body(channel)
    following = b.add(channel, ir.Constant(LONG, LANES))
    channel.add_incoming(following, b.block)
    b.cbranch(b.icmp_signed("<", following, channels), loop, end)
    b.position_at_end(end)
    b.ret_void()


def _place(b: Any, pointer: Any, channel: Any, *steps: tuple[int, Any]) -> Any:
    """An address some steps of some size further."""
    offset = channel
    for count, size in steps:
        offset = b.add(offset, b.mul(ir.Constant(LONG, count), size))
    return b.gep(pointer, [offset])


def _generate_spread(b: Any, arguments: Any) -> None:
    x, planes, line, pixel, plane, channels = arguments

    def four(d: list[Any]) -> list[Any]:  # equation 7, of the data
        return [b.fsub(d[0], d[2]), b.fadd(d[1], d[2]), b.fsub(d[2], d[1]), b.fsub(d[1], d[3])]

    def body(channel: Any) -> None:
        columns = [
            four([load(b, _place(b, x, channel, (i, line), (j, pixel)), VECTOR) for i in range(4)])
            for j in range(4)
        ]
        for i in range(4):
            for j, value in enumerate(four([column[i] for column in columns])):
                store(b, value, _place(b, planes, channel, (4 * i + j, plane)))

    _each_vector(b, channels, body)


def _generate_gather(b: Any, arguments: Any) -> None:
    planes, out, bias, plane, line, pixel, channels = arguments

    def two(m: list[Any]) -> list[Any]:  # equation 7, of the products
        return [b.fadd(b.fadd(m[0], m[1]), m[2]), b.fsub(b.fsub(m[1], m[2]), m[3])]

    def body(channel: Any) -> None:
        added = load(b, _place(b, bias, channel), VECTOR)
        columns = [
            two([load(b, _place(b, planes, channel, (4 * i + j, plane)), VECTOR) for i in range(4)])
            for j in range(4)
        ]
        for i in range(2):
            for j, value in enumerate(two([column[i] for column in columns])):
                store(b, b.fadd(value, added), _place(b, out, channel, (i, line), (j, pixel)))

    _each_vector(b, channels, body)
