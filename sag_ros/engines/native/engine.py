"""Sparse execution by code that numba compiles for this CPU: one call per chunk, on one core.

Weights are read in the order in which they lie in memory and fetched ahead; the interpreter is not needed,
nor its lock, until the chunk is done. Formats: f32; bf16, of x as well where the CPU multiplies it; int16.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sag_ros.engines.buffers import aligned
from sag_ros.engines.checked import CheckedEngine, Float32
from sag_ros.engines.native.blocks import block_buffers, layer_weights
from sag_ros.engines.native.chunk import Network, Program, State, Tiles, TimeTable, denoise
from sag_ros.engines.native.memory_tokens import memory_buffers, memory_weights, padded
from sag_ros.engines.native.microkernel import FORMATS, LANES, form_of, quickest_precision
from sag_ros.engines.native.packed_matmul import tile_of
from sag_ros.engines.protocol import tokens_of
from sag_ros.engines.savings.cross_attention import head_matrices, require_token_wise, time_table, time_tokens
from sag_ros.engines.savings.folded_weights import fold
from sag_ros.engines.savings.step_tail import StepTail
from sag_ros.engines.savings.switches import Savings
from sag_ros.policy.schedule import CoefficientTable
from sag_ros.pruning.plan import Plan, make_plan
from sag_ros.pruning.static_masks import dense_mask

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle
    from sag_ros.policy.contract import NetworkSpec

ALL_SAVINGS = Savings()


class NativeEngine(CheckedEngine):
    """Executes plans; all but the plan's own arrays is allocated at construction."""

    name = "native"

    def __init__(
        self,
        bundle: PolicyBundle,
        table: CoefficientTable,
        precision: str = "auto",
        savings: Savings = ALL_SAVINGS,
    ) -> None:
        """Rearrange the weights; the first chunk ever on a machine compiles for about 20 s, later ones find
        the code on disk (``cpu.jit``).

        Args:
            precision: ``f32`` agrees with the reference to 1e-5; ``bf16`` reads half of the bytes and agrees
                to about 1e-2, where the CPU multiplies it, and to about 1e-3 where weights alone are kept so.
                ``int16`` keeps whole numbers, of x as well, and agrees to about 1e-3, in half of the time of
                f32. ``auto`` is bf16 where the CPU multiplies it, else int16.
            savings: exact ones to switch off.

        Raises:
            ValueError: unknown precision, or one that this CPU does not compute in; conditioning that is not
                token-wise; a width that is not a multiple of the CPU's vectors.
        """
        dpt, contract, config = bundle.dpt, bundle.contract, bundle.dpt.config
        require_runnable(contract.transformer)
        self.precision = choose_precision(precision)
        form = form_of(self.precision)
        self.savings = savings
        super().__init__(bundle, table, tokens_of(contract, not savings.trailing_tokens))
        tokens = self.tokens
        self._no_trace = np.empty((0, tokens, config.action_dim), np.float32)
        self._dense: Plan | None = None

        weights = fold(dpt)
        matrices = head_matrices(weights, config.heads)
        memory = time_tokens(dpt, table.timesteps)
        by_layer = -1, config.layers, config.width
        times = TimeTable(
            *time_table(matrices, memory, config),
            (memory @ matrices.key.T).reshape(by_layer).astype(np.float32),
            (memory @ matrices.value.T).reshape(by_layer).astype(np.float32),
        )
        self._network = Network(
            layer_weights(weights, form),
            memory_weights(dpt, matrices, table.timesteps, form),
            times,
            savings,
        )
        self._tail = StepTail(weights, table, tokens)
        frames = config.obs_steps
        self._tiles = Tiles(*(tile_of(count, form) for count in (tokens, frames, 1)))
        self._features = aligned(frames, padded(config.obs_dim))
        memory_shape = config.memory_tokens, config.width
        time = memory_buffers(dpt, 1, form)
        time_now = TimeTable(*(x.reshape(1, config.layers, *x.shape[2:]) for x in time[:5]))
        self._state = State(
            h=aligned(tokens, config.width),
            cache=aligned(config.blocks, tokens, config.width),
            blocks=block_buffers(tokens, config.width, form),
            features=self._features,
            frames=memory_buffers(dpt, frames, form),
            time=time,
            time_now=time_now,
            visible=aligned(config.layers, tokens, config.obs_steps, config.heads),
            key=aligned(*memory_shape),
            value=aligned(*memory_shape),
            tail=self._tail.arrays,
        )

    def _denoise(
        self, obs_features: Float32, plan: Plan, noise: Float32, first_step: int, trace: Float32 | None
    ) -> Float32:
        """With a trace, steps without a computed block do not stay in action space: there is a sample after
        each of them."""
        config, network = self._config, self._network
        self._tail.start(noise[:, : self.tokens])
        if trace is None:
            trace = self._no_trace
        else:
            trace[first_step] = self._tail.x
            network = network._replace(savings=network.savings._replace(idle_steps=False))
        program = _program(plan, first_step, plan.steps)
        self._features[:, : config.obs_dim] = obs_features
        denoise(self._tiles, program, network, self._state, trace)
        return self._tail.x[self._executed].astype(np.float32)

    def _estimate(self, obs_features: Float32, sample: Float32, step: int) -> Float32:
        config = self._config
        if self._dense is None:
            self._dense = make_plan(dense_mask(len(self._table), config.blocks))
        self._tail.start_estimate(sample[: self.tokens], step)
        self._features[:, : config.obs_dim] = obs_features
        state = self._state._replace(tail=self._tail.estimating)
        denoise(self._tiles, _program(self._dense, step, step + 1), self._network, state, self._no_trace)
        return self._tail.x.astype(np.float32)


def _program(plan: Plan, first: int, stop: int) -> Program:
    """Steps ``first`` ... ``stop - 1`` of a plan."""
    pruned: NDArray[np.bool_] = plan.mask.pruned
    conditioned: NDArray[np.bool_] = ~np.logical_and.reduce(pruned[:, 1::3], axis=0)
    kind, argument, resumes = plan.kind, plan.argument, plan.resumes()
    if first or stop < plan.steps:
        places = plan.places(first, stop)
        kind, argument, resumes = kind[places], argument[places], np.minimum(resumes, stop)
    return Program(kind, argument, plan.run_matrix(), resumes, conditioned, first)


def choose_precision(precision: str) -> str:
    """``auto`` -> the quickest. Raises ValueError for an unknown one."""
    if precision == "auto":
        return quickest_precision()
    if precision in FORMATS:
        form_of(precision)
    else:
        raise ValueError(
            f"precision {precision!r} is not available in engine native; available: auto, "
            f"{', '.join(FORMATS)}; engine openvino has more"
        )
    return precision


def require_runnable(network: NetworkSpec) -> None:
    """Raise ValueError for a policy that the engine cannot run."""
    require_token_wise(network.cond_layers)
    if network.width % LANES:
        raise ValueError(
            f"engine native needs a width that is a multiple of {LANES} on this CPU, the policy has "
            f"{network.width}; use engine openvino"
        )
