"""Work that is recorded once and replayed: CUDA graphs, or the same calls on the CPU, where checks run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import torch

Work = Callable[[], object]
WARM_UPS = 2  # before a recording: libraries choose kernels and take their workspaces


@dataclass(frozen=True)
class Recording:
    """A replay, and the work that it repeats: a graph knows addresses only, so that weights which nobody else
    holds would be given away behind its back."""

    replay: Work
    work: Work

    def __call__(self) -> None:
        """Do the work again."""
        self.replay()


class Graphs(Protocol):
    """Records work on static buffers; replays run in the order in which they are asked for."""

    def capture(self, work: Work, before: Work) -> Work:
        """Record ``work``; calling the result does it again.

        ``work`` is also done a few times, each time behind ``before``, which is not recorded: it brings the
        buffers into a state in which ``work`` may be done.
        """
        ...

    def running(self) -> Any:
        """Context in which replays and copies are asked for."""
        ...

    def synchronise(self) -> None:
        """Wait until all that was asked for is done."""
        ...


class CudaGraphs:
    """CUDA graphs on one stream, with one pool of memory.

    The pool may be shared because nothing that a recording allocates lives beyond its replay: results lie in
    buffers from outside.
    """

    def __init__(self, device: torch.device) -> None:
        self.stream = torch.cuda.Stream(device)
        self._device = device
        self._pool = torch.cuda.graph_pool_handle()

    def capture(self, work: Work, before: Work) -> Work:
        """See :class:`Graphs`."""
        with self.running():
            self.stream.wait_stream(torch.cuda.default_stream(self._device))  # that filled the buffers
            for _ in range(WARM_UPS):
                before()
                work()
        self.synchronise()
        graph = torch.cuda.CUDAGraph()
        # Only this thread's calls are recorded: others may use the GPU meanwhile.
        with torch.cuda.graph(graph, self._pool, self.stream, capture_error_mode="thread_local"):
            work()
        return Recording(graph.replay, work)

    @contextmanager
    def running(self) -> Iterator[None]:
        """See :class:`Graphs`."""
        with torch.cuda.device(self._device), torch.cuda.stream(self.stream):
            yield

    def synchronise(self) -> None:
        """See :class:`Graphs`."""
        self.stream.synchronize()


class EagerGraphs:
    """The calls themselves, one after the other."""

    def capture(self, work: Work, before: Work) -> Work:
        """See :class:`Graphs`."""
        before()
        work()
        return work

    @contextmanager
    def running(self) -> Iterator[None]:
        """See :class:`Graphs`."""
        yield

    def synchronise(self) -> None:
        """Nothing is ever under way."""


def make_graphs(device: torch.device) -> Graphs:
    """CUDA graphs on a GPU, the calls themselves on the CPU."""
    return CudaGraphs(device) if device.type == "cuda" else EagerGraphs()
