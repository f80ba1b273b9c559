"""From camera frames to the features the policy sees; a frame is encoded once, when it arrives."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sag_ros.messages.errors import MessageError
from sag_ros.messages.images import to_rgb
from sag_ros.policy.contract import Contract
from sag_ros.policy.pictures import PictureWatch
from sag_ros.policy.state import Forward, StateBuilder
from sag_ros.ros.policy.inputs import STATE, Frame

Features = NDArray[np.float32]
_NOTHING = np.empty(0, np.float32)


class Runner(Protocol):
    """The part of PolicyRunner that is needed here."""

    def encode(self, camera: str, image: NDArray[np.uint8]) -> Features:
        """(H, W, 3) uint8 RGB -> (F,)."""
        ...

    def features(self, frames: Sequence[Mapping[str, Features]], states: NDArray) -> Features:
        """To frames (camera -> (F,)), oldest first, and (To, S) raw states -> (To, D)."""
        ...


@dataclass(frozen=True)
class PolicyObservation:
    """An observation ready for inference.

    Attributes:
        stamp: of the newest frame, s.
        stamps: (To,) of the frames used, oldest first, s.
        features: (To, D) float32.
        encode_ms: decoding and encoding of the new frames.
        joints: (J,) positions of the arm at ``stamp``, rad.
        frames: (To, C) stamps of each camera's frames, in the contract's order, s; without cameras (To, 1).
        states: (To, J + 1 + ...) joints (rad), width (m) and signals at ``stamps``.
        received, encoded: when the last of the new frames was there, and when all were encoded, s.
    """

    stamp: float
    stamps: tuple[float, ...]
    features: Features
    encode_ms: float
    received: float = np.nan
    encoded: float = np.nan
    joints: NDArray[np.float64] | None = None
    frames: NDArray[np.float64] | None = None
    states: NDArray[np.float64] | None = None


class ObservationAssembler:
    """Encodes new frames and finds, by stamp, the ones the policy wants from the past.

    One thread encodes, another one observes.

    Args:
        runner: encodes images and assembles features.
        contract: cameras with sizes, number of observation steps, control period.
        state_at: stamp -> (J + 1 + ...,) joint positions (rad), gripper width (m) and the contract's signals.
        forward: where the tool centre point is, for policies that observe it.
        keep: encoded frames kept per camera.
        now: the node's clock, s.
        pictures: camera -> watch of its pictures; those without one are not watched.
        joints_at: stamp -> (J,) joint positions, rad; None where none was measured around then.
        apart: frames of two cameras further apart in time are no observation, s.
    """

    def __init__(
        self,
        runner: Runner,
        contract: Contract,
        state_at: Callable[[float], NDArray[np.float64]],
        keep: int = 64,
        now: Callable[[], float] = lambda: np.nan,
        pictures: Mapping[str, PictureWatch] | None = None,
        joints_at: Callable[[float], NDArray[np.float64] | None] = lambda stamp: None,
        apart: float = np.inf,
        forward: Forward | None = None,
    ) -> None:
        self._state, self._dof = StateBuilder(contract, forward), len(contract.joints)
        self._apart, self._joints_at = apart, joints_at
        self._now, self._pictures = now, dict(pictures or {})
        self._runner = runner
        self._sizes = {name: (spec.height, spec.width) for name, spec in contract.cameras.items()}
        self._steps, self._period = contract.observation_steps, contract.control_period
        self._state_at = state_at
        self._condition = threading.Condition()
        self._encoded: dict[str, deque[tuple[float, Features]]] = {
            name: deque(maxlen=keep) for name in (self._sizes or (STATE,))
        }
        # Stamp, encode_ms, received and encoded of a set not yet observed.
        self._newest: tuple[float, float, float, float] | None = None
        self._interrupted, self._since = False, -np.inf
        # Camera -> frame, its picture, features and ms, until its set is complete; for who encodes.
        self._prepared: dict[str, tuple[Frame, NDArray[np.uint8], Features, float]] = {}

    def interrupt(self) -> None:
        """Let who observes look around: it is answered with None."""
        with self._condition:
            self._interrupted = True
            self._condition.notify()

    def reset(self, since: float = -np.inf) -> None:
        """Forget the past: what was seen before a pause is not what the policy expects to have seen.

        Nor is what is still to be encoded of before ``since``, s.
        """
        with self._condition:
            self._since = since
            for ring in self._encoded.values():
                ring.clear()
            self._newest = None

    def decode(self, frames: Mapping[str, Frame]) -> dict[str, NDArray[np.uint8]]:
        """Camera -> (H, W, 3) uint8 RGB as the policy sees it. Raises MessageError."""
        images = {}
        for name, frame in frames.items():
            if name == STATE:
                continue
            try:
                images[name] = to_rgb(frame.message, *self._sizes[name])
            except ValueError as error:
                raise type(error)(f"camera {name}: {error}") from None
        return images

    def prepare(self, frames: Mapping[str, Frame]) -> None:
        """Encode what has come of a set; what is wrong with it is said when it is complete."""
        for name, frame in frames.items():
            with contextlib.suppress(Exception):
                self._prepared[name] = self._encode(name, frame)

    def _encode(self, name: str, frame: Frame) -> tuple[Frame, NDArray[np.uint8], Features, float]:
        start = time.perf_counter()
        image = self.decode({name: frame})[name]
        features = self._runner.encode(name, image)
        return frame, image, features, 1e3 * (time.perf_counter() - start)

    def encode(self, frames: Mapping[str, Frame]) -> None:
        """Encode one new frame of every camera, or note a new state where there is none.

        Raises:
            MessageError: an image that cannot be used, or images that do not belong together.
        """
        stamps = {frame.stamp: name for name, frame in frames.items()}
        first, last = min(stamps), max(stamps)
        if last - first > self._apart:
            raise MessageError(
                f"camera {stamps[first]} is {last - first:.3f} s behind camera {stamps[last]}, "
                f"allowed {self._apart} s apart"
            )
        prepared, self._prepared = self._prepared, {}
        done = {
            name: prepared[name]
            if name in prepared and prepared[name][0] is frame
            else self._encode(name, frame)
            for name, frame in frames.items()
            if name != STATE
        }
        images = {name: image for name, (_, image, _, _) in done.items()}
        features = {name: own for name, (_, _, own, _) in done.items()}
        encode_ms = sum(duration for *_, duration in done.values())
        with self._condition:
            if first < self._since:
                return
            for name, frame in frames.items():
                self._encoded[name].append((frame.stamp, features.get(name, _NOTHING)))
            stamp = max(frame.stamp for frame in frames.values())
            received = max(frame.received for frame in frames.values())
            self._newest = stamp, encode_ms, received, self._now()
            self._condition.notify()
        # Afterwards: it takes eight odd pictures until something is said, and nobody should wait for that.
        for name, watch in self._pictures.items():
            stamp = frames[name].stamp
            watch.look(stamp, images[name], self._joints_at(stamp))

    def observe(self, timeout: float) -> PolicyObservation | None:
        """The observation at the newest encoded frames; None when ``timeout`` s brought no new ones.

        A past frame is the one nearest to its time; at the beginning, when there is none, that is the oldest.

        Raises:
            LookupError: no joint state yet.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._newest is not None or self._interrupted, timeout)
            self._interrupted = False
            if self._newest is None:
                return None
            (newest, encode_ms, received, encoded), self._newest = self._newest, None
            chosen = [
                {name: self._nearest(name, newest - lag * self._period) for name in self._encoded}
                for lag in range(self._steps - 1, -1, -1)
            ]
        stamps = tuple(max(stamp for stamp, _ in step.values()) for step in chosen)
        own = np.stack([self._state_at(stamp) for stamp in stamps])
        frames = np.array([[stamp for stamp, _ in step.values()] for step in chosen])
        features = self._runner.features(
            [{name: feature for name, (_, feature) in step.items()} for step in chosen],
            np.stack([self._state(one) for one in own]),
        )
        joints = own[-1][: self._dof]
        return PolicyObservation(newest, stamps, features, encode_ms, received, encoded, joints, frames, own)

    def _nearest(self, camera: str, stamp: float) -> tuple[float, Features]:
        if camera == STATE:  # states are interpolated, from the first that was noted
            return max(stamp, self._encoded[STATE][0][0]), _NOTHING
        return min(self._encoded[camera], key=lambda entry: abs(entry[0] - stamp))
