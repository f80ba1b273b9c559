"""The threads between frames and chunks, and how one policy takes over from another."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

from sag_ros.ros.policy.inference import InferenceThreads


class Policy:
    """One whose observations are handed in, and whose chunks say where they come from."""

    def __init__(self, name: str, every: int = 1) -> None:
        self.name, self.encoded, self.resets = name, [], 0
        self.assembler = self.runner = self.degrading = self
        self.rung, self.every = 0, every
        self.observations: list[Any] = []
        self.prepared: list[Any] = []
        self.fails = ""
        self._condition = threading.Condition()
        self._interrupted = False

    def reset(self, *arguments: Any) -> None:
        self.resets += 1
        self.last_reset = arguments

    def encode(self, frames: Any) -> None:
        self.encoded.append(frames)
        if self.fails == "encode":
            raise ValueError("no picture")
        self.give()

    def prepare(self, frames: Any) -> None:
        self.prepared.append(frames)

    def give(self, stamp: float = 1.0) -> None:
        with self._condition:
            self.observations.append(SimpleNamespace(stamp=stamp, features=None, encode_ms=0.5, joints=None))
            self._condition.notify()

    def observe(self, timeout: float) -> Any:
        with self._condition:
            self._condition.wait_for(lambda: self.observations or self._interrupted, timeout)
            self._interrupted = False
            return self.observations.pop(0) if self.observations else None

    def interrupt(self) -> None:
        with self._condition:
            self._interrupted = True
            self._condition.notify()

    def infer(self, stamp: float, features: Any, encode_ms: float, observed: Any) -> str:
        if self.fails == "infer":
            raise RuntimeError("no chunk")
        return self.name

    def after(self, now: float, record: Any) -> None:
        pass


class Frames:
    def __init__(self, count: int) -> None:
        self.left = list(range(count))

        self.first: list[Any] = []

    def early(self, timeout: float) -> Any:
        return self.first.pop(0) if self.first else {}

    def take(self, timeout: float) -> Any:
        return self.left.pop(0) if self.left else None


def threads(
    policy: Policy, frames: int = 0
) -> tuple[InferenceThreads, list[Any], list[Any], list[Exception]]:
    chunks: list[Any] = []
    after: list[Any] = []
    errors: list[Exception] = []

    def on_inference(finished: Any) -> str:
        chunks.append(finished.inference)
        return f"record of {finished.inference}"

    made = InferenceThreads(
        Frames(frames), policy, on_inference, errors.append,
        now=lambda: 0.0, after=lambda own, record, error: after.append((own.name, record, error)),
    )  # fmt: skip
    return made, chunks, after, errors


def test_a_frame_becomes_a_chunk() -> None:
    policy = Policy("first")
    made, chunks, after, errors = threads(policy, 2)
    assert made.encode(0.0)
    assert made.step(0.0)
    assert not made.step(0.0)
    assert chunks == ["first"]
    assert after == [("first", "record of first", "")]
    assert errors == []


def test_what_comes_first_of_a_set_is_encoded_first_unless_sets_are_left_out() -> None:
    for every, prepared in ((1, [{"front": 1}]), (2, [])):
        policy = Policy("first", every)
        made, _, _, _ = threads(policy, 2)
        made._frames.first = [{"front": 1}]
        assert made.encode(0.0)
        assert policy.prepared == prepared
        assert policy.encoded == []  # not yet, or left out
        assert made.encode(0.0)
        assert len(policy.encoded) == 1


def test_some_frames_are_left_out_when_there_is_no_time() -> None:
    policy = Policy("first", every=2)
    made, _, _, _ = threads(policy, 4)
    assert [made.encode(0.0) for _ in range(5)] == [True] * 4 + [False]
    assert len(policy.encoded) == 2


def test_another_policy_computes_from_the_next_chunk_on() -> None:
    first, second = Policy("first"), Policy("second")
    made, chunks, _, _ = threads(first, 3)
    made.encode(0.0)
    made.step(0.0)
    made.replace(second)
    assert second.resets == 2  # history and pressure
    made.encode(0.0)
    made.step(0.0)
    assert chunks == ["first", "second"]
    assert len(first.encoded) == 1


def test_who_waits_for_the_former_one_does_not_wait_any_more() -> None:
    first, second = Policy("first"), Policy("second")
    made, chunks, _, _ = threads(first)
    waiting = threading.Thread(target=lambda: [made.step(60.0), made.step(60.0)], daemon=True)
    waiting.start()
    made.replace(second)
    second.give()
    waiting.join(30.0)
    assert not waiting.is_alive()
    assert chunks == ["second"]


def test_whatever_fails_is_told_with_its_policy() -> None:
    policy = Policy("first")
    made, chunks, after, errors = threads(policy, 2)
    policy.fails = "encode"
    made.encode(0.0)
    policy.fails = "infer"
    policy.give()
    made.step(0.0)
    assert chunks == []
    assert [str(error) for error in errors] == ["no picture", "no chunk"]
    assert after == [("first", None, "ValueError: no picture"), ("first", None, "RuntimeError: no chunk")]


def test_it_begins_again_with_the_first_observation_of_after_that() -> None:
    policy = Policy("one")
    running, chunks, _, errors = threads(policy)
    running.refresh(2.0, 7)
    assert (policy.resets, policy.last_reset) == (1, (2.0,))  # the history, at once
    policy.give(1.9)
    running.step(0.0)
    assert policy.resets == 1  # computed from what was on its way
    for stamp in (2.0, 2.1):
        policy.give(stamp)
        running.step(0.0)
    assert (policy.resets, policy.last_reset) == (3, (7,))  # pressure and sampler, once
    assert chunks == ["one"] * 3
    assert not errors
