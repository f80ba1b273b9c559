"""The threads between camera callbacks and commands: one encodes frames, one turns them into chunks."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from sag_ros.realtime import take_priority
from sag_ros.ros.affinity import pin
from sag_ros.ros.policy.chunk_record import ChunkRecord
from sag_ros.ros.policy.degrading import Degrading
from sag_ros.ros.policy.inputs import NewestFrames
from sag_ros.ros.policy.observation import ObservationAssembler, PolicyObservation
from sag_ros.ros.worker import name_thread

_PATIENCE = 2.0  # s for the chunk that is being computed
WAIT = 0.1  # s between looks at the stop flag while no frame comes


@dataclass(frozen=True)
class FinishedInference:
    """A finished inference.

    Attributes:
        observation: what it was computed from.
        inference: chunk, mask and timing of the runner.
        inference_ms: encoding of the frames, pruner, denoiser and what lies between; without waiting.
        begun: when the features went to the pruner, s on the node's clock.
        rung, every: see ChunkRecord.
    """

    observation: PolicyObservation
    inference: Any
    inference_ms: float
    begun: float = math.nan
    rung: int = 0
    every: int = 1


class Policy(Protocol):
    """What computes, and what it is given; see ``Running``."""

    assembler: ObservationAssembler
    runner: Any
    degrading: Degrading


class InferenceThreads:
    """Run while the node is active.

    Two threads: the policy is a chain of small matrix products on one core, and the next frames are encoded
    beside it. Both give the interpreter lock back while OpenVINO works.

    Args:
        frames: where camera callbacks leave their messages.
        policy: encodes and assembles, computes (in one thread alone), chooses what is computed and from how
            many of the frames.
        on_inference: called with every chunk, in the inference thread; returns its record.
        on_error: called with what went wrong, in either thread; the next frames are tried again.
        after: called with the policy and the record of each chunk, or with the policy and why there is none.
        cores: for encoding and inference; negative = any.
        now: the node's clock, s.
        priority: of the node; these threads take one less, or nothing could be received while they compute.
    """

    def __init__(
        self,
        frames: NewestFrames,
        policy: Policy,
        on_inference: Callable[[FinishedInference], ChunkRecord],
        on_error: Callable[[Exception], None],
        cores: tuple[int, int] = (-1, -1),
        now: Callable[[], float] = lambda: math.nan,
        priority: int = 0,
        after: Callable[[Any, ChunkRecord | None, str], None] = lambda policy, record, error: None,
    ) -> None:
        self._after = after
        self._priority = priority
        self._now = now
        self._frames, self._policy = frames, policy
        self._on_inference, self._on_error = on_inference, on_error
        self._sets = 0
        self._again: tuple[float, int] | None = None  # since when, s, and with which seed it begins again
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(step, core), name=name, daemon=True)
            for step, core, name in zip(
                (self.encode, self.step), cores, ("encoder", "inference"), strict=True
            )
        ]

    def start(self) -> None:
        """Forget the past and start."""
        self._policy.assembler.reset()
        self._policy.degrading.reset()
        for thread in self._threads:
            thread.start()

    def refresh(self, since: float, seed: int) -> None:
        """Begin again while the threads run: what is from before ``since``, s, is forgotten.

        Also what a sampler keeps from chunk to chunk; its noise comes from ``seed``.
        """
        self._again = since, seed
        self._policy.assembler.reset(since)

    def replace(self, policy: Policy) -> None:
        """Let another policy compute from the next chunk on."""
        policy.assembler.reset()
        policy.degrading.reset()
        before, self._policy = self._policy, policy
        before.assembler.interrupt()

    def stop(self) -> None:
        """Stop after the chunk that is being computed; one that hangs is left behind."""
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(_PATIENCE)

    def _run(self, step: Callable[[float], bool], core: int) -> None:
        name_thread(threading.current_thread().name)
        pin(core)
        take_priority(max(self._priority - 1, 0))  # where the node's was refused, it has said so
        while not self._stop.is_set():
            step(WAIT)

    def encode(self, timeout: float) -> bool:
        """Wait up to ``timeout`` s for fresh frames and encode those that are used; whether there were.

        The first camera's frame is encoded while the others' are on their way.
        """
        policy = self._policy
        if policy.degrading.every == 1:
            early = self._frames.early(timeout)
            if early:
                policy.assembler.prepare(early)
                return True
        frames = self._frames.take(timeout)
        if frames is None:
            return False
        policy = self._policy
        self._sets += 1
        if self._sets % policy.degrading.every:
            return True
        try:
            policy.assembler.encode(frames)
        except Exception as error:  # whatever it is, the watchdog stops the arm if it persists
            self._on_error(error)
            self._after(policy, None, f"{type(error).__name__}: {error}")
        return True

    def _begin_again(self, policy: Policy, stamp: float) -> None:
        """With the first observation since it was asked for; in the thread that infers, which alone may."""
        again = self._again
        if again is not None and stamp >= again[0]:
            self._again = None
            policy.degrading.reset()
            policy.runner.reset(again[1])

    def step(self, timeout: float) -> bool:
        """Wait up to ``timeout`` s for encoded frames and turn them into a chunk; whether there were any."""
        policy = self._policy
        try:
            observation = policy.assembler.observe(timeout)
            if observation is None:
                return False
            self._begin_again(policy, observation.stamp)
            start, begun = time.perf_counter(), self._now()
            rung, every = policy.degrading.rung, policy.degrading.every
            inference = policy.runner.infer(
                observation.stamp, observation.features, observation.encode_ms, observation.joints
            )
            duration = observation.encode_ms + 1e3 * (time.perf_counter() - start)
            if not self._stop.is_set():
                finished = FinishedInference(observation, inference, duration, begun, rung, every)
                record = self._on_inference(finished)
                policy.degrading.after(self._now(), record)
                self._after(policy, record, "")
        except Exception as error:
            self._on_error(error)
            self._after(policy, None, f"{type(error).__name__}: {error}")
        return True
