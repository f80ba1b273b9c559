"""The observation encoder by code that numba compiles for this CPU: one call a frame, without the
interpreter.

Networks: :class:`sag_ros.policy.encoder.CameraNet`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from sag_ros.engines.buffers import aligned
from sag_ros.engines.checked import require_image
from sag_ros.engines.cpu.jit import kernel
from sag_ros.engines.native.convolution import (
    Convolution,
    Norm,
    convolution,
    convolve,
    even,
    group_norm,
    output_size,
    picture,
    rectify,
)
from sag_ros.engines.native.engine import choose_precision
from sag_ros.engines.native.microkernel import LANES, form_of
from sag_ros.engines.native.packed_matmul import Float32, Packed, write_operand
from sag_ros.engines.native.pruner_kernels import exponentials
from sag_ros.policy.encoder import CameraNet, ResidualBlock

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle


class Stage(NamedTuple):
    """A convolution, the norm after it, and what they write.

    Attributes:
        out: (H, W, N). lines: (3, W N), see ``group_norm``.
        border: of ``picture``, the input of what follows.
    """

    convolution: Convolution
    norm: Norm
    out: Float32
    lines: Float32
    border: int
    picture: Packed


class Shortcut(NamedTuple):
    """A convolution beside a block, and what it writes: empty if there is none."""

    convolution: Convolution
    out: Float32


class Head(NamedTuple):
    """From maps to features.

    Attributes:
        maps: 1 x 1 convolution to the maps. out: (h, w, maps). bits: for ``exponentials``.
        sums: (3, maps), of weights, weights times x, weights times y.
        project: (2 maps, F), bias: (F,).
    """

    maps: Convolution
    out: Float32
    bits: NDArray[np.int32]
    sums: Float32
    project: Float32
    bias: Float32


@kernel
def _begin(image: NDArray[np.uint8], line: Float32, border: int, target: Packed) -> None:
    """An image (H, W, 3) in [-1, 1] into the middle of a picture; line (W, channels) is a buffer."""
    width = image.shape[1]
    for y in range(image.shape[0]):
        own = image[y]
        for x in range(width):
            for c in range(3):
                line[x, c] = np.float32(own[x, c]) / np.float32(127.5) - np.float32(1.0)
        write_operand(line, target[border + y][border : border + width])


@kernel
def _apply(source: Packed, border: int, stage: Stage, other: Float32) -> None:
    """A convolution, its norm, ``other`` (H, W, N) or nothing added, and the rectifier."""
    convolve(source, border, stage.convolution, stage.out)
    group_norm(stage.out, stage.norm, stage.lines)
    rectify(stage.out, stage.lines, other, stage.border, stage.picture)


@kernel
def _block(before: Stage, first: Stage, second: Stage, shortcut: Shortcut) -> None:
    """A residual block after ``before``."""
    _apply(before.picture, before.border, first, first.out[:0])
    if len(shortcut.out):
        convolve(before.picture, before.border, shortcut.convolution, shortcut.out)
        _apply(first.picture, first.border, second, shortcut.out)
    else:
        _apply(first.picture, first.border, second, before.out)


@kernel
def _end(last: Stage, head: Head, features: Float32) -> None:
    """Maps, where each of them points, features (F,)."""
    convolve(last.picture, last.border, head.maps, head.out)
    height, width, count = head.out.shape
    pixels, sums = head.out.reshape(height * width, count), head.sums
    for c in range(count):
        sums[0, c] = pixels[0, c]
    for p in range(1, len(pixels)):
        for c in range(count):
            sums[0, c] = max(sums[0, c], pixels[p, c])
    for p in range(len(pixels)):
        for c in range(count):
            pixels[p, c] -= sums[0, c]
    exponentials(head.out.reshape(-1), head.bits, 0.0)
    sums[:] = np.float32(0.0)
    for y in range(height):
        down = np.float32(2.0 * y / max(height - 1, 1) - 1.0)
        for x in range(width):
            right = np.float32(2.0 * x / max(width - 1, 1) - 1.0)
            for c in range(count):
                weight = head.out[y, x, c]
                sums[0, c] += weight
                sums[1, c] += weight * right
                sums[2, c] += weight * down
    features[:] = head.bias
    keypoints = len(head.project) // 2
    for c in range(keypoints):
        across, down = sums[1, c] / sums[0, c], sums[2, c] / sums[0, c]
        for f in range(len(features)):
            features[f] += across * head.project[c, f] + down * head.project[keypoints + c, f]


@kernel
def _encode(
    image: NDArray[np.uint8],
    line: Float32,
    border: int,
    target: Packed,
    stem: Stage,
    blocks: tuple[tuple[Stage, Stage, Shortcut], ...],
    head: Head,
    features: Float32,
) -> None:
    """Image (H, W, 3) -> features (F,)."""
    _begin(image, line, border, target)
    _apply(target, border, stem, stem.out[:0])
    before = stem
    for place in range(len(blocks)):
        first, second, shortcut = blocks[place]
        _block(before, first, second, shortcut)
        before = second
    _end(before, head, features)


def obstacle(net: nn.Module) -> str | None:
    """Why a camera's network cannot be executed here; None if it can."""
    if not isinstance(net, CameraNet):
        return f"the encoder is a {type(net).__name__}, not a CameraNet"
    if net.stem.out_channels % LANES:
        return f"the encoder's width {net.stem.out_channels} is not a multiple of {LANES}"
    return None


class NativeFrameEncoder:
    """One network for each camera, each with buffers of its own."""

    name = "native"

    def __init__(self, bundle: PolicyBundle, precision: str = "auto") -> None:
        """Pack the weights.

        Args:
            precision: as for the engine; where the CPU does not multiply bfloat16, all is float32: these
                weights stay in its caches anyway.

        Raises:
            ValueError: a network that does not fit.
        """
        half = form_of(choose_precision(precision)) == "pairs"
        self.precision, form = ("bf16", "pairs") if half else ("f32", "f32")
        self._sizes: dict[str, tuple[int, ...]] = {}
        self._cameras: dict[str, tuple[Any, ...]] = {}
        for camera, size in bundle.contract.cameras.items():
            net = bundle.encoder.nets[camera]
            reason = obstacle(net)
            if reason or not isinstance(net, CameraNet):
                raise ValueError(reason)
            self._sizes[camera] = size.height, size.width, 3
            self._cameras[camera] = _build(net, size.height, size.width, form)

    def encode(self, camera: str, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(H, W, 3) uint8 -> (F,)."""
        require_image(camera, image, self._sizes)
        parts = self._cameras[camera]
        features = np.empty(len(parts[-1].bias), np.float32)
        _encode(np.ascontiguousarray(image), *parts, features)  # type: ignore[call-arg]
        return features


def _build(net: CameraNet, height: int, width: int, form: str) -> tuple[Any, ...]:
    """What ``_encode`` takes between image and features."""
    border = net.stem.kernel_size[0] // 2
    image = picture(height, width, 3, border, form)
    stem = _stage(net.stem, net.stem_norm, (height, width), 1, form)
    blocks = []
    before = stem
    for place, block in enumerate(net.blocks):
        assert isinstance(block, ResidualBlock)
        last = place + 1 == len(net.blocks)
        first = _stage(block.conv1, block.norm1, before.out.shape[:2], 1, form)
        second = _stage(block.conv2, block.norm2, first.out.shape[:2], 0 if last else 1, form)
        beside = block.shortcut
        if isinstance(beside, nn.Conv2d):
            shortcut = Shortcut(_convolution(beside, second.out.shape[1], form), np.zeros_like(second.out))
        else:
            shortcut = Shortcut(second.convolution, second.out[:0])
        blocks.append((first, second, shortcut))
        before = second
    return aligned(width, even(3)), border, image, stem, tuple(blocks), _head(net, before, form)


def _numbers(tensor: Tensor) -> NDArray[np.float32]:
    return np.ascontiguousarray(tensor.detach().float().numpy())


def _convolution(module: nn.Conv2d, width: int, form: str, pad: int = 0) -> Convolution:
    """For lines of ``width`` outputs; ``pad`` channels that are 0 are added to its outputs."""
    weight = np.pad(_numbers(module.weight), ((0, pad), *[(0, 0)] * 3))
    bias = None if module.bias is None else np.pad(_numbers(module.bias), (0, pad))
    return convolution(weight, module.stride[0], width, form, bias)


def _stage(module: nn.Conv2d, norm: nn.GroupNorm, pixels: tuple[int, ...], border: int, form: str) -> Stage:
    height, width = (output_size(count, module.kernel_size[0], module.stride[0]) for count in pixels)
    channels = module.out_channels
    return Stage(
        _convolution(module, width, form),
        Norm(_numbers(norm.weight), _numbers(norm.bias), norm.num_groups, norm.eps),
        aligned(height, width, channels),
        aligned(3, width * channels),
        border,
        picture(height, width, channels, border, form),
    )


def _head(net: CameraNet, last: Stage, form: str) -> Head:
    height, width = last.out.shape[:2]
    pad = -net.maps.out_channels % LANES
    out = aligned(height, width, net.maps.out_channels + pad)
    return Head(
        _convolution(net.maps, width, form, pad),
        out,
        aligned(out.size, dtype=np.int32),
        aligned(3, out.shape[2]),
        np.ascontiguousarray(_numbers(net.project.weight).T),
        _numbers(net.project.bias),
    )
