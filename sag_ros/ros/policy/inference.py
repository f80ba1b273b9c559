"""The threads between camera callbacks and commands: one encodes frames, one turns them into chunks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sag_ros.ros.affinity import pin
from sag_ros.ros.policy.inputs import NewestFrames
from sag_ros.ros.policy.observer import Observed, Observer

WAIT = 0.1  # s between looks at the stop flag while no frame comes


@dataclass(frozen=True)
class Outcome:
    """A finished inference.

    Attributes:
        observed: what it was computed from.
        inference: chunk, mask and timing of the runner.
        inference_ms: encoding of the frames, pruner, denoiser and what lies between; without waiting.
    """

    observed: Observed
    inference: Any
    inference_ms: float


class InferenceThreads:
    """Run while the node is active.

    Two threads: the policy is a chain of small matrix products on one core, and the next frames are encoded
    beside it. Both give the interpreter lock back while OpenVINO works.

    Args:
        frames: where camera callbacks leave their messages.
        observer: encodes and assembles.
        runner: the policy; used by one thread alone.
        on_outcome: called with every chunk, in the inference thread.
        on_error: called with what went wrong, in either thread; the next frames are tried again.
        cores: for encoding and inference; negative = any.
    """

    def __init__(
        self,
        frames: NewestFrames,
        observer: Observer,
        runner: Any,
        on_outcome: Callable[[Outcome], None],
        on_error: Callable[[Exception], None],
        cores: tuple[int, int] = (-1, -1),
    ) -> None:
        self._frames, self._observer, self._runner = frames, observer, runner
        self._on_outcome, self._on_error = on_outcome, on_error
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(step, core), name=name, daemon=True)
            for step, core, name in zip(
                (self.encode, self.step), cores, ("encoder", "inference"), strict=True
            )
        ]

    def start(self) -> None:
        """Forget the past and start."""
        self._observer.reset()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop after the chunk that is being computed."""
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def _run(self, step: Callable[[float], bool], core: int) -> None:
        pin(core)
        while not self._stop.is_set():
            step(WAIT)

    def encode(self, timeout: float) -> bool:
        """Wait up to ``timeout`` s for fresh frames and encode them; whether there was a set."""
        frames = self._frames.take(timeout)
        if frames is None:
            return False
        try:
            self._observer.encode(frames)
        except Exception as error:  # whatever it is, the watchdog stops the arm if it persists
            self._on_error(error)
        return True

    def step(self, timeout: float) -> bool:
        """Wait up to ``timeout`` s for encoded frames and turn them into a chunk; whether there were any."""
        try:
            observed = self._observer.observe(timeout)
            if observed is None:
                return False
            start = time.perf_counter()
            inference = self._runner.infer(observed.stamp, observed.features, observed.encode_ms)
            duration = observed.encode_ms + 1e3 * (time.perf_counter() - start)
            if not self._stop.is_set():
                self._on_outcome(Outcome(observed, inference, duration))
        except Exception as error:
            self._on_error(error)
        return True
