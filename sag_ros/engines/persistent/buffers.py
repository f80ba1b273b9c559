"""Memory of engine ``persistent``: what goes to the device in one copy, what is on it, what comes back."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sag_ros.engines.gpu.triton.sizes import Sizes
from sag_ros.engines.persistent.program import largest_program
from sag_ros.engines.persistent.weights import Weights
from sag_ros.policy.dpt import DPTConfig

ALIGNMENT = 64  # 32-bit words; the kernel is compiled for aligned arrays


class Buffers:
    """Allocated once. Noise, features and program are staged side by side, in the host's locked memory.

    Attributes:
        noise (n + 1, T', A), features (To, D): staged, to be filled before ``upload``.
        device_features: (To, D) on the device.
    """

    def __init__(
        self, config: DPTConfig, sizes: Sizes, weights: Weights, dtype: torch.dtype, device: torch.device
    ) -> None:
        cuda = device.type == "cuda"
        self._tokens = sizes.TOKENS
        self._weights = Weights(*(array.to(device) for array in weights))
        samples = sizes.STEPS + 1, sizes.TOKENS, sizes.ACTIONS
        frames = config.layers, config.obs_steps, config.heads
        shapes = samples, (config.obs_steps, config.obs_dim), (largest_program(sizes.STEPS, config.blocks),)
        counts = [int(np.prod(shape)) for shape in shapes]
        places = np.cumsum([0] + [-(-count // ALIGNMENT) * ALIGNMENT for count in counts])
        self._staged = torch.zeros(int(places[-1]), dtype=torch.int32, pin_memory=cuda)
        self._uploaded = torch.zeros(int(places[-1]), dtype=torch.int32, device=device)
        self._program_at = int(places[2])

        def view(of: Tensor, part: int) -> Tensor:
            words = of[places[part] : places[part] + counts[part]]
            return (words if part == 2 else words.view(torch.float32)).view(shapes[part])

        self.noise, self.features = view(self._staged, 0).numpy(), view(self._staged, 1).numpy()
        self._program_words: NDArray[np.int32] = view(self._staged, 2).numpy()
        self.device_features = view(self._uploaded, 1)
        self._noise, self._program = view(self._uploaded, 0), view(self._uploaded, 2)

        def zeros(*shape: int, of: torch.dtype = torch.float32) -> Tensor:
            return torch.zeros(shape, dtype=of, device=device)

        rows = sizes.BT, sizes.WIDTH
        self._samples = zeros(sizes.PARTS, *samples)
        self._stream = zeros(sizes.TOKENS, sizes.WIDTH)
        self._cache = zeros(sizes.PARTS, config.blocks, *rows)
        self._partials = zeros(2, sizes.PARTS, *rows)
        self._counter = zeros(1, of=torch.int32)
        self._frames = zeros(config.layers, 2, *frames[1:], config.width, of=dtype)
        self._frame_bias = zeros(*frames)
        self._result = torch.zeros(samples, pin_memory=cuda)

    def upload(self, words: NDArray[np.int32]) -> None:
        """Copy what is staged, and the program's ``words``; does not wait."""
        self._program_words[: len(words)] = words
        end = self._program_at + len(words)  # behind the program nothing is read
        self._uploaded[:end].copy_(self._staged[:end], non_blocking=True)
        self._counter.zero_()

    def set_frames(self, a: Tensor, bias: Tensor, b: Tensor) -> None:
        """Take the frames' part of cross-attention: A and B (L, To, H, d), bias (L, To, H)."""
        self._frames[:, 0].copy_(a)
        self._frames[:, 1].copy_(b)
        self._frame_bias.copy_(bias)

    def set_stream(self, h: NDArray[np.float32]) -> None:
        """Take a stream (T', d) to begin with."""
        self._stream.copy_(torch.from_numpy(np.ascontiguousarray(h, np.float32)))

    def arguments(self, clean: bool) -> tuple[Tensor, ...]:
        """The kernel's arrays, in its order; ``clean``: steps end at the clean sample."""
        w = self._weights
        return (
            self._program, self._noise, self._samples, self._stream, self._cache, self._partials,
            self._counter, w.weights, w.biases, w.times, w.time_bias, self._frames, self._frame_bias,
            w.constants, w.clean_rows if clean else w.rows,
        )  # fmt: skip

    def download(self, first: int, stop: int) -> NDArray[np.float32]:
        """Ask for the samples (stop - first, T', A) before steps ``first`` ... ``stop - 1``; valid when the
        device is done, until the next call."""
        result = self._result[first:stop]
        result.copy_(self._samples[0, first:stop], non_blocking=True)
        array: NDArray[np.float32] = result.numpy()
        return array

    def residual(self, slot: int) -> NDArray[np.float32]:
        """Wait for the cached residual (T', d) of ``slot``."""
        array: NDArray[np.float32] = self._cache[0, slot, : self._tokens].cpu().numpy().copy()
        return array

    def poison(self) -> None:
        """Fill what is written during a chunk with not-a-number."""
        written = self._samples, self._stream, self._cache, self._partials, self._frames, self._frame_bias
        for array in (*written, self._uploaded.view(torch.float32), self._result):
            array.fill_(torch.nan)
        self._staged.view(torch.float32).fill_(torch.nan)
