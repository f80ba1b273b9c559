"""Executes plans as a sequence of replays; what computes the blocks is handed in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from sag_ros.engines.checked import CheckedEngine, Float32
from sag_ros.engines.gpu.blocks import Conditioning
from sag_ros.engines.gpu.device import full_sums
from sag_ros.engines.gpu.graphs import Work, make_graphs
from sag_ros.engines.gpu.launches import Launches, make_launches
from sag_ros.engines.gpu.sequence import Sequence
from sag_ros.engines.gpu.state import Constants, State
from sag_ros.engines.gpu.work import LaunchWork
from sag_ros.engines.protocol import tokens_of
from sag_ros.engines.savings.cross_attention import head_matrices, require_token_wise
from sag_ros.engines.savings.folded_weights import FoldedWeights, fold
from sag_ros.policy.schedule import CoefficientTable
from sag_ros.pruning.memo import Memo
from sag_ros.pruning.plan import Plan, make_plan
from sag_ros.pruning.static_masks import dense_mask

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle

MOST_PREPARED = 32  # plans that may be recorded as a whole


class GraphEngine(CheckedEngine):
    """What CUDA graphs and TensorRT share; not thread-safe.

    Attributes:
        events: two events with ``record(stream)`` that enclose a chunk's work on the device, or None.
    """

    name = "graphs"

    def __init__(
        self,
        bundle: PolicyBundle,
        table: CoefficientTable,
        device: torch.device,
        make_work: Callable[[FoldedWeights, State, Constants, Conditioning], LaunchWork],
        all_tokens: bool = False,
    ) -> None:
        """Allocate and record everything.

        Args:
            make_work: makes what the launches do, from folded weights, buffers, tables and conditioning.
            all_tokens: also those behind the executed ones, which some samplers keep.

        Raises:
            ValueError: conditioning that is not token-wise.
        """
        dpt, contract, config = bundle.dpt, bundle.contract, bundle.dpt.config
        require_token_wise(config.n_cond_layers)
        self.device = device
        self.events: tuple[Any, Any] | None = None
        super().__init__(bundle, table, tokens_of(contract, all_tokens))
        tokens = self.tokens
        weights = fold(dpt)
        matrices = head_matrices(weights, config.heads)
        constants = Constants(dpt, weights, matrices, table, tokens)
        self._noise_scale = constants.noise_scale
        constants.to(device)
        self._state = State(dpt, len(table), tokens, device)
        conditioning = Conditioning(dpt, matrices).to(device)
        self._work = make_work(weights, self._state, constants, conditioning)
        self._graphs = make_graphs(device)
        self._prepared: dict[tuple[object, ...], Work] = {}
        self._launches: Memo[Plan, Launches] = Memo(make_launches, id)
        self._orders: Memo[Plan, list[Work]] = Memo(self._order, id)  # of whole chunks, not traced
        self._dense = make_plan(dense_mask(len(table), config.blocks))
        with torch.inference_mode(), full_sums():
            self._record()

    def _record(self) -> None:
        work = self._work
        self._begin, self._condition = self._capture(work.begin), self._capture(work.condition)
        self._end_estimate = self._capture(lambda: work.end_step(3, estimate=True))
        self._works = {slots: Sequence.of(work, slots) for slots in {3, self._config.blocks}}
        self._replays = {slots: works.map(self._capture) for slots, works in self._works.items()}

    def _capture(self, work: Work) -> Work:
        return self._graphs.capture(work, self._state.rewind)

    def _order(self, plan: Plan) -> list[Work]:
        return self._replays[plan.slots].order(self._launches(plan), False)

    def prepare(self, plan: Plan) -> None:
        """Record ``plan`` as a whole, so that the host asks for one replay a chunk instead of hundreds.

        For plans that are known beforehand: recording takes a while and must not happen while an arm waits.

        Raises:
            ValueError: too many plans are prepared already.
        """
        key = plan.reuse, plan.mask.key
        if key in self._prepared:
            return
        if len(self._prepared) == MOST_PREPARED:
            raise ValueError(f"{MOST_PREPARED} plans are prepared already; others run without")
        launches, works = self._launches(plan), self._works[plan.slots]
        with torch.inference_mode(), full_sums():
            with self._graphs.running():
                self._state.upload_launches(launches)
            self._prepared[key] = self._capture(lambda: works.run(launches, traced=False))

    def _denoise(
        self, obs_features: Float32, plan: Plan, noise: Float32, first_step: int, trace: Float32 | None
    ) -> Float32:
        state, traced = self._state, trace is not None
        launches = self._launches(plan).from_step(first_step)
        if first_step or traced:
            works = self._replays[plan.slots].order(launches, traced)
        else:
            whole = self._prepared.get((plan.reuse, plan.mask.key)) if self._prepared else None
            works = self._orders(plan) if whole is None else [whole]
        noise = noise[:, : self.tokens]
        with torch.inference_mode(), self._graphs.running():
            state.upload(obs_features, noise, self._noise_scale, first_step)
            state.upload_launches(launches)
            self._mark(0)
            self._begin()
            if not plan.mask.pruned[:, 1::3].all():
                self._condition()
            for work in works:
                work()
            self._mark(1)
            x, samples = state.download(traced)
        self._graphs.synchronise()
        if trace is not None:
            trace[first_step] = noise[0]
            trace[first_step + 1 :] = samples[first_step + 1 :]
        return x[self._executed].copy()

    def _estimate(self, obs_features: Float32, sample: Float32, step: int) -> Float32:
        with torch.inference_mode(), self._graphs.running():
            self._start_from(obs_features, sample, step)
            self._replays[3].all_blocks()
            self._end_estimate()
            x, _ = self._state.download(False)
        self._graphs.synchronise()
        return x.copy()

    def residual(
        self, block: int, step: int, obs_features: NDArray[np.float32], h: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """What one block makes of a stream, for checks.

        Args:
            block: 0 ... 3L - 1.
            step: of the sampler.
            obs_features: (To, D) float32.
            h: (T', d) float32; its mean over the width is taken off, as in all streams here.

        Returns:
            (T', d) float32, up to its mean over the width.
        """
        state = self._state
        sample = np.zeros((self._config.horizon, self._config.action_dim), np.float32)
        with torch.inference_mode(), self._graphs.running():
            self._start_from(obs_features, sample, step)
            state.h.copy_(torch.from_numpy(h - h.mean(axis=1, keepdims=True)))
            self._replays[3].blocks[block]()
            out = state.cache[block % 3].cpu()
        self._graphs.synchronise()
        return out.numpy()

    def _start_from(self, obs_features: NDArray[np.float32], sample: NDArray[np.float32], step: int) -> None:
        """A dense step about to begin."""
        shape = len(self._table) + 1, self.tokens, self._config.action_dim
        noise = np.zeros(shape, np.float32)
        noise[0] = sample[: self.tokens]
        self._state.upload(obs_features, noise, self._noise_scale, step)
        self._state.upload_launches(self._launches(self._dense).from_step(step))
        self._begin()
        self._condition()

    def poison(self) -> None:
        """Not-a-number into every buffer that chunks write: a chunk may read nothing from before it."""
        with torch.inference_mode(), self._graphs.running():
            self._state.poison()
        self._graphs.synchronise()

    def _mark(self, index: int) -> None:
        if self.events is not None:
            self.events[index].record()
