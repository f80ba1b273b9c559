"""The thread that turns every fresh set of camera frames into an action chunk."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sag_ros.ros.inputs import NewestFrames
from sag_ros.ros.observer import Observed, Observer

WAIT = 0.1  # s between looks at the stop flag while no frame comes


@dataclass(frozen=True)
class Outcome:
    """A finished inference.

    Attributes:
        observed: what it was computed from.
        inference: chunk, mask and timing of the runner.
        inference_ms: from taking the frames to the finished chunk.
    """

    observed: Observed
    inference: Any
    inference_ms: float


class InferenceThread:
    """Runs while the node is active.

    Args:
        frames: where camera callbacks leave their messages.
        observer: encodes and assembles; used by this thread alone.
        runner: the policy; used by this thread alone.
        on_outcome: called with every chunk, in this thread.
        on_error: called with what went wrong, in this thread; the next frames are tried again.
    """

    def __init__(
        self,
        frames: NewestFrames,
        observer: Observer,
        runner: Any,
        on_outcome: Callable[[Outcome], None],
        on_error: Callable[[Exception], None],
    ) -> None:
        self._frames, self._observer, self._runner = frames, observer, runner
        self._on_outcome, self._on_error = on_outcome, on_error
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="inference", daemon=True)

    def start(self) -> None:
        """Forget the past and start."""
        self._observer.reset()
        self._thread.start()

    def stop(self) -> None:
        """Stop after the chunk that is being computed."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            self.step(WAIT)

    def step(self, timeout: float) -> bool:
        """Wait up to ``timeout`` s for fresh frames and process them; whether there was a set."""
        frames = self._frames.take(timeout)
        if frames is None:
            return False
        start = time.perf_counter()
        try:
            observed = self._observer.observe(frames)
            inference = self._runner.infer(observed.stamp, observed.features, observed.encode_ms)
            duration = 1e3 * (time.perf_counter() - start)
            if not self._stop.is_set():
                self._on_outcome(Outcome(observed, inference, duration))
        except Exception as error:  # whatever it is, the watchdog stops the arm if it persists
            self._on_error(error)
        return True
