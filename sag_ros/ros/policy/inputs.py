"""What callbacks leave behind for the inference thread: newest frames, a short history of the joints."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

STATE = "joint_states"  # in place of a camera, where there is none: joint states pace the policy


@dataclass(frozen=True)
class Frame:
    """A camera message that has not been looked at yet.

    Attributes:
        stamp: of the message, s on the node's clock.
        message: Image or CompressedImage; None for the state alone.
        received: when it was handed to us, s on the node's clock.
    """

    stamp: float
    message: Any
    received: float = np.nan


class NewestFrames:
    """The newest frame of each camera, and a wait for a set in which every frame is new.

    One thread waits.
    """

    def __init__(self, cameras: Iterable[str]) -> None:
        self._condition = threading.Condition()
        self._frames: dict[str, Frame | None] = dict.fromkeys(cameras)
        self._taken: dict[str, float] = dict.fromkeys(self._frames, -np.inf)
        self._shown: set[str] = set()  # cameras whose frame was returned before its set was complete

    def put(self, camera: str, frame: Frame) -> None:
        """Keep ``frame`` unless a newer one is already there. Called from the executor; returns at once."""
        with self._condition:
            held = self._frames[camera]
            if held is None or frame.stamp > held.stamp:
                self._frames[camera] = frame
                self._condition.notify()

    def take(self, timeout: float) -> dict[str, Frame] | None:
        """The newest frame of every camera once each is newer than the last taken; None on timeout."""
        with self._condition:
            if not self._condition.wait_for(self._fresh, timeout):
                return None
            frames = {name: frame for name, frame in self._frames.items() if frame is not None}
            self._taken = {name: frame.stamp for name, frame in frames.items()}
            self._shown.clear()
            return frames

    def early(self, timeout: float) -> dict[str, Frame]:
        """New frames of a set that is not complete, one of each camera; none once it is, or on timeout.

        They stay to be taken. Of a camera that sends several until the set is complete, the first is enough:
        encoding all of them would take more time than it saves.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._fresh() or self._news(), timeout)
            if self._fresh():
                return {}
            news = self._news()
            self._shown.update(news)
            return news

    def _new(self, name: str) -> bool:
        frame = self._frames[name]
        return frame is not None and frame.stamp > self._taken[name]

    def _fresh(self) -> bool:
        return all(map(self._new, self._frames))

    def _news(self) -> dict[str, Frame]:
        return {
            name: frame
            for name, frame in self._frames.items()
            if frame is not None and name not in self._shown and self._new(name)
        }

    def stamps(self) -> Mapping[str, float | None]:
        """Stamp of the newest frame of each camera, s; None for a camera that has sent nothing."""
        with self._condition:
            return {name: None if frame is None else frame.stamp for name, frame in self._frames.items()}

    def newest(self) -> dict[str, Frame]:
        """The newest frame of every camera that has sent one; they stay to be taken."""
        with self._condition:
            return {name: frame for name, frame in self._frames.items() if frame is not None}

    def forget(self) -> None:
        """Drop everything: frames from before a pause are no observation of now."""
        with self._condition:
            self._frames = dict.fromkeys(self._frames)
            self._shown.clear()


class JointHistory:
    """The last states of the joints, to be looked up at the stamp of an image.

    Args:
        size: values of one state.
        length: states kept; at 1 kHz, 512 are half a second.
    """

    def __init__(self, size: int, length: int = 512) -> None:
        self._lock = threading.Lock()
        # Twice each, ``length`` apart, so that the last ones always lie in a row.
        self._time = np.full(2 * length, -np.inf)
        self._values = np.zeros((2 * length, size))
        self._length, self._count = length, 0

    def put(self, stamp: float, values: NDArray[np.floating]) -> bool:
        """Append a state, (size,); False when it is not newer than the last one (it is dropped then)."""
        with self._lock:
            length = self._length
            if self._count and stamp <= self._time[(self._count - 1) % length]:
                return False
            for place in (self._count % length, self._count % length + length):
                self._time[place] = stamp
                self._values[place] = values
            self._count += 1
            return True

    def at(self, stamp: float) -> NDArray[np.float64]:
        """(size,) state at ``stamp``: interpolated inside the history, the nearest end of it outside.

        Raises:
            LookupError: no state has been put.
        """
        with self._lock:
            if not self._count:
                raise LookupError("no state received yet")
            count = min(self._count, self._length)
            end = (self._count - 1) % self._length + 1
            if self._count > self._length:
                end += self._length
            time, values = self._time[end - count : end], self._values[end - count : end]
            after = int(time.searchsorted(stamp))
            if after == 0 or after == len(time):
                return values[min(after, len(time) - 1)].copy()
            share = (stamp - time[after - 1]) / (time[after] - time[after - 1])
            return (1 - share) * values[after - 1] + share * values[after]

    @property
    def newest(self) -> float | None:
        """Stamp of the newest state, s; None before the first."""
        with self._lock:
            return float(self._time[(self._count - 1) % self._length]) if self._count else None
