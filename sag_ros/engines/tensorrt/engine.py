"""TensorRT: one compiled engine for each block and one for the head, driven by raw execution contexts.

Compiled ahead of time by ``sag compile --engine tensorrt`` and only loaded here: nothing is compiled while a
policy node is active. The output address of each engine is the cache slot of its block, so that the cache
needs no copies; enqueues are recorded in CUDA graphs.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from sag_ros.engines.gpu.blocks import Conditioning
from sag_ros.engines.gpu.device import choose_device, choose_precision
from sag_ros.engines.gpu.graph_engine import GraphEngine
from sag_ros.engines.gpu.graphs import Work, make_graphs
from sag_ros.engines.gpu.state import Constants, State
from sag_ros.engines.gpu.work import LaunchWork
from sag_ros.engines.protocol import tokens_of
from sag_ros.engines.savings.cross_attention import require_token_wise
from sag_ros.engines.savings.folded_weights import FoldedWeights
from sag_ros.engines.tensorrt.export import HEAD, part_name, signatures
from sag_ros.engines.tensorrt.key import engine_key
from sag_ros.engines.tensorrt.runtime import Context, Runtime, import_tensorrt
from sag_ros.engines.tensorrt.store import NotCompiled, load
from sag_ros.policy.schedule import CoefficientTable

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle


class TensorRtEngine(GraphEngine):
    """Executes plans; engines are loaded and everything is recorded at construction.

    Attributes:
        notes: what does not run as it should: enqueues that CUDA graphs could not record.
    """

    name = "tensorrt"

    def __init__(
        self,
        bundle: PolicyBundle,
        table: CoefficientTable,
        precision: str = "auto",
        device: str = "auto",
        all_tokens: bool = False,
        library: Any = None,
    ) -> None:
        """Load and record; takes seconds.

        Args:
            precision: in which self-attention and feed-forward multiply; TF32 is off in ``f32``; ``auto`` is
                bf16 where the GPU multiplies it, else f16.
            device: ``auto`` is the current GPU.
            all_tokens: compute the tokens behind the executed ones, too.
            library: stands in for the module tensorrt; for checks on the CPU.

        Raises:
            NotCompiled: there are no engines for this policy, precision, GPU and TensorRT.
            TensorRtError: TensorRT refuses an engine.
            ValueError: no GPU, unknown precision, or conditioning that is not token-wise.
            ImportError: TensorRT is missing.
        """
        config, contract = bundle.dpt.config, bundle.contract
        require_token_wise(config.n_cond_layers)
        chosen = choose_device(device)
        self.precision = choose_precision(precision, chosen)
        self._unrecorded: list[str] = []
        if library is None:
            if chosen.type != "cuda":
                raise ValueError("engine tensorrt computes on GPUs alone; use engine native on the CPU")
            library = import_tensorrt()
        tokens = tokens_of(contract, all_tokens)
        files = load_engines(bundle, tokens, self.precision, chosen, library)
        self._contexts = _load_contexts(bundle, tokens, files, chosen, library)

        def make_work(
            weights: FoldedWeights, state: State, constants: Constants, conditioning: Conditioning
        ) -> LaunchWork:
            state.align()
            return LaunchWork(state, constants, conditioning, TensorRtBlocks(self._contexts, chosen))

        super().__init__(bundle, table, chosen, make_work, all_tokens)

    @property
    def notes(self) -> tuple[str, ...]:
        """See the class."""
        if not self._unrecorded:
            return ()
        count, first = len(self._unrecorded), self._unrecorded[0]
        return (
            f"{count} pieces of work are enqueued one by one, since CUDA graphs cannot record them: {first}",
        )

    def _capture(self, work: Work) -> Work:
        """Record ``work``; if that alone fails, do it unrecorded each time."""
        try:
            # A recording that fails leaves its stream the current one; leaving this puts that right.
            with self._graphs.running():
                return super()._capture(work)
        except RuntimeError as error:
            reason = str(error)
        self._graphs = make_graphs(self.device)  # the memory pool of a failed recording stays reserved for it
        with self._graphs.running():  # what fails here, too, fails for another reason
            self._state.rewind()
            work()
        self._graphs.synchronise()
        self._unrecorded.append(reason)
        return work


class TensorRtBlocks:
    """Blocks by TensorRT; ``out`` is where the engine itself writes."""

    def __init__(self, contexts: Mapping[str, Context], device: torch.device) -> None:
        """``contexts``: by part name."""
        self._contexts, self._device = contexts, device

    def self_attention(self, layer: int, h: Tensor, out: Tensor) -> None:
        """See ``gpu.work.Blocks``."""
        self._enqueue(part_name(layer, "self_attention"), out, h=h)

    def cross_attention(self, layer: int, h: Tensor, memory: Tensor, bias: Tensor, out: Tensor) -> None:
        """See ``gpu.work.Blocks``."""
        self._enqueue(part_name(layer, "cross_attention"), out, h=h, a=memory[0], bias=bias, b=memory[1])

    def feed_forward(self, layer: int, h: Tensor, out: Tensor) -> None:
        """See ``gpu.work.Blocks``."""
        self._enqueue(part_name(layer, "feed_forward"), out, h=h)

    def head(self, h: Tensor, out: Tensor) -> None:
        """See ``gpu.work.Blocks``."""
        self._enqueue(HEAD, out, h=h)

    def _enqueue(self, name: str, out: Tensor, **inputs: Tensor) -> None:
        on_gpu = self._device.type == "cuda"
        stream = torch.cuda.current_stream(self._device).cuda_stream if on_gpu else 0
        self._contexts[name].enqueue(out, inputs, stream)


def load_engines(
    bundle: PolicyBundle, tokens: int, precision: str, device: torch.device, library: Any
) -> dict[str, bytes]:
    """The compiled engines of ``bundle`` for T' = ``tokens``, by part name.

    Raises:
        NotCompiled: there are none that fit; the message says why, and how to compile them.
    """
    key = engine_key(bundle, tokens, precision, device, library)
    try:
        return load(key, signatures(bundle.dpt.config, tokens))
    except NotCompiled as error:
        options = f"--engine tensorrt --precision {precision}"
        if tokens != bundle.contract.executed.stop:
            options += " --all-tokens"
        raise NotCompiled(
            f"policy {bundle.policy_hash[:12]} is not compiled for TensorRT ({key.gpu}, {precision}, "
            f"{tokens} tokens): {error}; run: sag compile {options} {bundle.folder or '<bundle>'}"
        ) from error


def load_obstacle(bundle: PolicyBundle | None, precision: str, all_tokens: bool = False) -> str | None:
    """Why TensorRT cannot execute ``bundle`` on the current GPU; None when nothing is known."""
    if bundle is None:
        return "engines are compiled for one policy; which one is not known here"
    try:
        library = import_tensorrt()
    except Exception as error:  # whatever its own shared libraries make of this machine
        return f"tensorrt is installed but does not load: {error}"
    device = choose_device("auto")
    tokens = tokens_of(bundle.contract, all_tokens)
    try:
        load_engines(bundle, tokens, choose_precision(precision, device), device, library)
    except ValueError as error:
        return str(error)
    return None


def _load_contexts(
    bundle: PolicyBundle, tokens: int, files: Mapping[str, bytes], device: torch.device, library: Any
) -> dict[str, Context]:
    with torch.cuda.device(device) if device.type == "cuda" else nullcontext():
        runtime = Runtime(library)
        return {
            name: runtime.load(name, files[name], signature)
            for name, signature in signatures(bundle.dpt.config, tokens).items()
        }
