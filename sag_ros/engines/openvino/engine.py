"""Sparse execution on one CPU core.

Weight-heavy blocks (self-attention, feed-forward) are OpenVINO requests on shared memory; cross-attention is
folded and it and everything between blocks is compiled (``cpu.kernels``). Tokens behind the executed ones are
dropped: the network is causal. Fully pruned steps, the majority, stay in action space.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sag_ros.engines.buffers import aligned
from sag_ros.engines.checked import CheckedEngine, Float32
from sag_ros.engines.cpu import kernels
from sag_ros.engines.openvino import blocks as blocks
from sag_ros.engines.openvino import runtime as runtime
from sag_ros.engines.protocol import tokens_of
from sag_ros.engines.savings.cross_attention import FoldedCrossAttention, head_matrices
from sag_ros.engines.savings.folded_weights import fold
from sag_ros.engines.savings.step_tail import StepTail
from sag_ros.policy.schedule import CoefficientTable
from sag_ros.pruning.plan import Op, Plan

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle

CROSS_ATTENTION = 1  # block index modulo 3


class OpenVinoEngine(CheckedEngine):
    """Executes plans; every buffer is allocated at construction except the gathered cross-attention."""

    name = "openvino"
    no_state = (
        "engine openvino runs only samplers that begin every chunk at step 0 (ddpm, ddim); use engine native "
        "or reference"
    )

    def __init__(self, bundle: PolicyBundle, table: CoefficientTable, precision: str = "auto") -> None:
        """Compile one model for each block and one for all layers; takes a few seconds.

        Args:
            precision: ``f32`` agrees with the reference to 1e-4; ``bf16`` is faster and agrees to about 1e-2;
                ``int8`` weights are faster still and agree to about 3e-2; ``auto`` is bf16 where the CPU
                computes in it, else f32.

        Raises:
            ValueError: unknown precision, or conditioning that is not token-wise.
        """
        dpt, contract, config = bundle.dpt, bundle.contract, bundle.dpt.config
        super().__init__(bundle, table, tokens_of(contract, all_tokens=False))
        tokens = self.tokens
        weights = fold(dpt)
        matrices = head_matrices(weights, config.heads)
        self._cross = FoldedCrossAttention(dpt, matrices, table.timesteps, tokens)
        self._tail = StepTail(weights, table, tokens)

        core = runtime.make_core()
        self.precision = runtime.choose_precision(core, precision)
        models = blocks.BlockModels(weights, config.heads, tokens, int8=self.precision == "int8")

        def request(model: object) -> runtime.Request:
            return runtime.Request(runtime.compile_model(core, model, self.precision))

        self._obs = aligned(config.obs_steps, config.obs_dim)
        by_frame = (config.layers, config.obs_steps, config.heads)
        shapes = (*by_frame, config.width), by_frame, (*by_frame, config.width)
        self._frames = tuple(aligned(*shape) for shape in shapes)
        self._conditioning = request(blocks.conditioning(dpt, matrices))
        self._conditioning.bind_input(self._obs)
        for index, array in enumerate(self._frames):
            self._conditioning.bind_output(array, index)

        self._h = aligned(tokens, config.width)
        self._cache = aligned(config.blocks + 1, tokens, config.width)
        self._requests: list[runtime.Request | None] = []
        for layer in range(config.layers):
            attention, feed_forward = (
                request(models.self_attention(layer)),
                request(models.feed_forward(layer)),
            )
            attention.bind_input(self._h)
            feed_forward.bind_input(self._h)
            self._requests += [attention, None, feed_forward]

        # All layers in one request, for dense steps. Not for single layers or pairs: such models would hold
        # copies of the weights, and with more of them in use at once each is read from further away.
        self._network = request(models.all_layers(config.memory_tokens))
        for index, array in enumerate((self._h, *self._cross.matrices())):
            self._network.bind_input(array, index)
        # Residuals of the last layer into slots 0 to 2, the sum of all behind them.
        self._network.bind_output(self._cache[:4])
        self._bound_slots = 0

    def _bind(self, slots: int) -> None:
        """Let every request write its residual straight into its cache slot."""
        if slots != self._bound_slots:
            for index, request in enumerate(self._requests):
                if request is not None:
                    request.bind_output(self._cache[index % slots])
            self._bound_slots = slots

    def _denoise(
        self, obs_features: Float32, plan: Plan, noise: Float32, first_step: int, trace: Float32 | None
    ) -> Float32:
        config, slots = self._config, plan.slots
        self._bind(slots)
        if not plan.mask.pruned[:, CROSS_ATTENTION::3].all():
            self._obs[:] = obs_features
            self._conditioning()
            self._cross.set_frames(*self._frames)
        runs, nothing = plan.run_matrix(), np.zeros(slots, np.float32)
        tail, h, cache = self._tail, self._h, self._cache
        tail.start(noise[:, : self.tokens])

        pruned = plan.mask.pruned
        dense: list[bool] = np.logical_and(~pruned.any(axis=1), slots == 3).tolist()
        resumes: list[int] = plan.resumes().tolist()
        run = pending = -1  # run and computed slot not yet added to the stream
        embedded = False  # whether h holds this step's stream
        step = skip = 0
        for kind, argument in zip(plan.kind.tolist(), plan.argument.tolist(), strict=True):
            if skip:
                skip -= 1
                continue
            if kind == Op.ADD_RUN:
                run = argument
                continue
            if not embedded:
                if kind == Op.STEP_END:  # nothing is computed until step `end`, so all these runs are alike
                    end = resumes[step]
                    tail.skip(step, end, runs[run], cache)
                    skip = 2 * (end - step - 1)  # ADD_RUN and STEP_END each
                    step, run = end, -1
                    continue
                tail.embed(h)
                embedded = True
            if run >= 0 or pending >= 0:
                kernels.add_cached(runs[run] if run >= 0 else nothing, pending, cache, h)
            run = pending = -1
            if kind == Op.COMPUTE:
                if dense[step]:
                    self._cross.set_time(step)
                    self._network()
                    h += cache[3]
                    skip = config.blocks - 1
                    continue
                pending = argument % slots
                request = self._requests[argument]
                if request is None:
                    self._cross.block(h, step, argument // 3, cache[pending])
                else:
                    request()
            else:
                tail.finish(step, h)
                step, embedded = step + 1, False
        return tail.x[self._executed].astype(np.float32)
