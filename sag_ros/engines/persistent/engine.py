"""Sparse execution on a GPU: one Triton launch executes a whole plan, see ``kernel.chunk``.

What is launched does not depend on the mask: the plan is data, uploaded together with noise and features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from sag_ros.engines.checked import CheckedEngine, Float32
from sag_ros.engines.gpu.blocks import Conditioning
from sag_ros.engines.gpu.device import DTYPES, choose_device, choose_precision, full_sums
from sag_ros.engines.gpu.graphs import make_graphs
from sag_ros.engines.gpu.launches import Launches, make_launches
from sag_ros.engines.gpu.triton.device import require_interpreter, shared_memory_of
from sag_ros.engines.gpu.triton.sizes import choose_sizes, require_runnable
from sag_ros.engines.persistent.buffers import Buffers
from sag_ros.engines.persistent.launch import launch
from sag_ros.engines.persistent.program import RECORD, Program, make_program
from sag_ros.engines.persistent.weights import kernel_weights
from sag_ros.engines.savings.cross_attention import head_matrices
from sag_ros.engines.savings.folded_weights import fold
from sag_ros.policy.schedule import CoefficientTable
from sag_ros.pruning.memo import Memo
from sag_ros.pruning.plan import Plan, make_plan
from sag_ros.pruning.static_masks import dense_mask

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle


class PersistentEngine(CheckedEngine):
    """Executes plans; all but the plan's own arrays is allocated at construction. Not thread-safe.

    Attributes:
        events: two events with ``record()`` that enclose a chunk's work on the device, or None.
    """

    name = "persistent"

    def __init__(
        self,
        bundle: PolicyBundle,
        table: CoefficientTable,
        precision: str = "auto",
        device: str = "auto",
        parts: int | None = None,
        tile: int | None = None,
        stages: int | None = None,
        warps: int = 8,
        all_tokens: bool = False,
    ) -> None:
        """Arrange the weights on the device and compile the kernel, which takes some seconds.

        Args:
            precision: ``f32``, ``bf16`` or ``f16`` weights and products; ``auto`` is bf16 where the GPU
                multiplies it, else f16.
            device: ``auto``, ``cuda``, ``cuda:N``; ``cpu`` is for tests, under Triton's interpreter.
            parts: programs, on a multiprocessor each, that share every self-attention and feed-forward.
            tile, stages, warps: hidden columns multiplied at once, stages of weights fetched ahead, warps of
                a program. None, also for parts: what suits the GPU.
            all_tokens: compute the tokens behind the executed ones, too.

        Raises:
            ValueError: an unknown or unusable option, or a policy that the kernel cannot run.
        """
        dpt, contract, config = bundle.dpt, bundle.contract, bundle.dpt.config
        require_runnable(contract, all_tokens)
        self._device = choose_device(device)
        self.precision = choose_precision(precision, self._device)
        require_interpreter(self._device, parts or 1)
        sizes = choose_sizes(
            contract, table, self.precision, shared_memory_of(self._device), parts, tile, stages, all_tokens
        )
        self.sizes, self._warps = sizes, warps
        super().__init__(bundle, table, sizes.TOKENS)
        tokens = self.tokens
        self.events: tuple[Any, Any] | None = None
        self._noise_scale = table.by_token()[:, :tokens, 5:].astype(np.float32)

        folded = fold(dpt)
        matrices = head_matrices(folded, config.heads)
        dtype = DTYPES[self.precision]
        weights = kernel_weights(dpt, folded, matrices, table, tokens, sizes.AP, dtype)
        self._buffers = Buffers(config, sizes, weights, dtype, self._device)
        conditioning = Conditioning(dpt, matrices).to(self._device).eval()
        self._graphs = make_graphs(self._device)
        self._launches: Memo[Plan, Launches] = Memo(make_launches, id)
        # Of whole chunks: translating one takes the host .06 to .25 ms.
        self._programs: Memo[Plan, Program] = Memo(self._whole, id)
        self._dense = make_launches(make_plan(dense_mask(len(table), config.blocks)))
        buffers = self._buffers
        with torch.inference_mode(), full_sums():
            self._condition = self._graphs.capture(
                lambda: buffers.set_frames(*conditioning(buffers.device_features)), lambda: None
            )
            with self._graphs.running():
                self._launch(0, 0)  # compiles
        self._graphs.synchronise()

    def _denoise(
        self, obs_features: Float32, plan: Plan, noise: Float32, first_step: int, trace: Float32 | None
    ) -> Float32:
        steps, tokens, buffers = plan.steps, self.tokens, self._buffers
        buffers.noise[0] = noise[0, :tokens]
        np.multiply(noise[1:, :tokens], self._noise_scale, out=buffers.noise[1:])
        with torch.inference_mode(), self._graphs.running():
            if first_step:
                program = make_program(self._launches(plan), first_step, steps)
            else:
                program = self._programs(plan)
            self._run(obs_features, program, first_step)
            samples = buffers.download(steps if trace is None else first_step, steps + 1)
        self._graphs.synchronise()
        if trace is not None:
            trace[first_step:] = samples
        return samples[-1, self._executed].copy()

    def _estimate(self, obs_features: Float32, sample: Float32, step: int) -> Float32:
        buffers = self._buffers
        buffers.noise[0] = sample[: self.tokens]
        buffers.noise[step + 1] = 0.0
        with torch.inference_mode(), self._graphs.running():
            self._run(obs_features, make_program(self._dense, step, step + 1), step, clean=True)
            samples = buffers.download(step + 1, step + 2)
        self._graphs.synchronise()
        return samples[0].copy()

    def residual(
        self, block: int, step: int, obs_features: NDArray[np.float32], h: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Residual (T', d) of one block at ``step`` from the stream ``h`` (T', d), to check the engine.

        ``h`` is centred first, and so is the residual.
        """
        dense = self._dense
        here = np.flatnonzero(dense.step == step)[block : block + 1]
        kind, layer, slot = dense.kind[here], dense.layer[here], dense.slot[here]
        nothing = np.zeros_like(dense.weights[here])
        only = Launches(kind, layer, slot, dense.step[here], dense.stop[here], nothing)
        with torch.inference_mode(), self._graphs.running():
            self._buffers.set_stream(h - h.mean(axis=1, keepdims=True))
            self._run(obs_features, make_program(only, step, step + 1), step, given=True)
            out = self._buffers.residual(block % 3)
        self._graphs.synchronise()
        return out

    def poison(self) -> None:
        """Fill all that is written during a chunk with not-a-number: who reads it unwritten is found out."""
        with torch.inference_mode(), self._graphs.running():
            self._buffers.poison()
        self._graphs.synchronise()

    def _whole(self, plan: Plan) -> Program:
        return make_program(self._launches(plan), 0, plan.steps)

    def _run(
        self,
        obs_features: NDArray[np.float32],
        program: Program,
        first: int,
        given: bool = False,
        clean: bool = False,
    ) -> None:
        """Upload and queue ``program``, which begins at step ``first``; does not wait for the device.

        ``given``: from the stream set before; ``clean``: steps end at the clean sample.
        """
        buffers = self._buffers
        buffers.features[:] = obs_features
        buffers.upload(program.words)
        self._mark(0)
        if program.crosses:
            self._condition()
        self._launch(program.count, first, given, clean)
        self._mark(1)

    def _launch(self, count: int, first: int, given: bool = False, clean: bool = False) -> None:
        numbers = count, count * RECORD, first, int(given), 0
        launch(self._buffers.arguments(clean), numbers, self.sizes, self._warps)

    def _mark(self, index: int) -> None:
        if self.events is not None:
            self.events[index].record()
