"""Convolutions, and the norms between them, over pictures that lie in memory pixel by pixel.

With a border of zeros around it, the pixels under one line of the kernel are neighbours in memory: each
output is then a sum over a few lines, which is what ``microkernel`` computes, and no picture is copied apart
first.

Shapes: H x W pixels of C channels, N output channels, k x k kernel, border e.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sag_ros.engines.cpu.assembly import call
from sag_ros.engines.cpu.jit import kernel
from sag_ros.engines.native.microkernel import LANES
from sag_ros.engines.native.packed_matmul import Float32, Packed, Tile, operand, pack, tile_of, write_operand
from sag_ros.engines.native.winograd import Planes, convolve_planes, fits, planes_of


class Convolution(NamedTuple):
    """A convolution as compiled code reads it.

    Attributes:
        tile: for a line of the output.
        weights: packed, k k C -> N. bias: (N,).
        size: k. stride: pixels.
        planes: of 3 x 3 convolutions that are computed as ``winograd`` does.
    """

    tile: Tile
    weights: Packed
    bias: Float32
    size: int
    stride: int
    planes: Planes


class Norm(NamedTuple):
    """A group norm: gain and bias (C,), groups, epsilon."""

    gain: Float32
    bias: Float32
    groups: int
    epsilon: float


def even(count: int) -> int:
    """Channels that a picture has in memory, as pairs of bfloat16 need, and pixels along its sides."""
    return count + count % 2


def convolution(
    weight: NDArray[np.floating], stride: int, width: int, form: str, bias: NDArray[np.floating] | None = None
) -> Convolution:
    """Pack weight (N, C, k, k) for lines of ``width`` outputs.

    Raises:
        ValueError: the kernel is not square, or N is not a multiple of the vector length.
    """
    outputs, channels, size, other = weight.shape
    if size != other:
        raise ValueError(f"a kernel of {size} x {other}: it has to be square")
    rows = np.zeros((outputs, size, size, even(channels)))
    rows[..., :channels] = np.moveaxis(weight, 1, -1)
    packed = pack(rows.reshape(outputs, -1), form)
    added = np.zeros(outputs) if bias is None else bias
    planes = planes_of(weight, width, fits(weight, stride, form))
    return Convolution(tile_of(width, form), packed, added.astype(np.float32), size, stride, planes)


def picture(height: int, width: int, channels: int, border: int, form: str) -> Packed:
    """Zeros (H + 2 e, W + 2 e, C) to convolve, in the units of a form; even sides, as ``winograd`` needs."""
    lines, columns = even(height) + 2 * border, even(width) + 2 * border
    return operand(lines * columns, even(channels), form).reshape(lines, columns, -1)


def output_size(pixels: int, size: int, stride: int) -> int:
    """Outputs along an axis of ``pixels`` pixels; the border is half of the kernel."""
    return (pixels + 2 * (size // 2) - size) // stride + 1


@kernel
def convolve(x: Packed, border: int, convolution: Convolution, out: Float32) -> None:
    """x (H + 2 e, W + 2 e, C) as :func:`picture`, with a border e of at least k // 2 -> out (H', W', N)."""
    if len(convolution.planes.weights):
        convolve_planes(x, border, convolution.planes, convolution.bias, out)
        return
    tile, weights, size, stride = (
        convolution.tile,
        convolution.weights,
        convolution.size,
        convolution.stride,
    )
    columns = x.shape[1]
    units = x.shape[2] // 2  # of a pixel
    panels, steps, wide = weights.shape[:3]
    height, width, outputs = out.shape
    codes = tile.wide if outputs == 2 * LANES * panels else tile.narrow
    first = border - size // 2
    sizes = steps // size, outputs, stride * units, size, columns * units
    for panel in range(panels):
        column = panel * (outputs // panels)
        for line in range(height):
            start = (line * stride + first) * columns + first
            pixel, number = 0, 0
            while pixel < width:
                full = number < tile.full
                code = codes[0] if full else codes[1]
                starts = (
                    (start + pixel * stride) * units,
                    panel * steps * wide,
                    column,
                    (line * width + pixel) * outputs + column,
                )
                call(code, (x, weights, convolution.bias, out), starts, sizes)
                pixel += tile.rows if full else tile.rows - 1
                number += 1


@kernel
def group_norm(x: Float32, norm: Norm, lines: Float32) -> None:
    """What a group norm does to x (H, W, C), to lines (3, W C): ``x scale + offset``, and a buffer.

    Sums go over whole lines of the picture, which are long enough for vector code; channels are added up
    after.
    """
    height, width, channels = x.shape
    rows = x.reshape(height, width * channels)
    scale, offset, part = lines[0], lines[1], lines[2]
    size = channels // norm.groups
    share = np.float32(1.0 / (height * width * size))
    _group_sums(rows, offset, False, part, size, channels)
    for i in range(len(part)):
        offset[i] = part[i] * share  # the mean
    # Squares of what is left without the mean: with it they would be large and alike.
    _group_sums(rows, offset, True, part, size, channels)
    for pixel in range(width):
        for c in range(channels):
            i = pixel * channels + c
            scale[i] = norm.gain[c] / np.float32(math.sqrt(part[i] * share + norm.epsilon))
            offset[i] = norm.bias[c] - offset[i] * scale[i]


@kernel
def _group_sums(rows: Float32, mean: Float32, squared: bool, part: Float32, size: int, channels: int) -> None:
    """Sums of each group, or of its squares about the mean, to every number of a line that belongs to it."""
    part[:] = np.float32(0.0)
    for line in range(len(rows)):
        row = rows[line]
        if squared:
            for i in range(len(part)):
                part[i] += (row[i] - mean[i]) * (row[i] - mean[i])
        else:
            for i in range(len(part)):
                part[i] += row[i]
    for start in range(channels, len(part), channels):
        for c in range(channels):
            part[c] += part[start + c]
    for first in range(0, channels, size):
        total = np.float32(0.0)
        for c in range(first, first + size):
            total += part[c]
        for c in range(first, first + size):
            part[c] = total
    for start in range(channels, len(part), channels):
        for c in range(channels):
            part[start + c] = part[c]


@kernel
def rectify(x: Float32, lines: Float32, other: Float32, border: int, target: Packed) -> None:
    """``max(x scale + offset + other, 0)`` in place and into the middle of a picture; not-a-number stays.

    x (H, W, C); lines as :func:`group_norm` writes them; other (H, W, C), or empty for none.
    """
    height, width, channels = x.shape
    rows = x.reshape(height, width * channels)
    others = other.reshape(other.shape[0], other.shape[1] * other.shape[2])
    scale, offset = lines[0], lines[1]
    zero = np.float32(0.0)
    for line in range(height):
        row = rows[line]
        if len(others):
            added = others[line]
            for i in range(len(row)):
                value = row[i] * scale[i] + offset[i] + added[i]
                row[i] = zero if value < zero else value
        else:
            for i in range(len(row)):
                value = row[i] * scale[i] + offset[i]
                row[i] = zero if value < zero else value
        write_operand(x[line], target[border + line][border : border + width])
