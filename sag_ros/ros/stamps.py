"""ROS stamps as float seconds and back.

Seconds since 1970 in a float resolve 0.24 microseconds, which third differences at 1 kHz would show as jerk.
The nodes therefore count seconds from an epoch of their own (their start); a :class:`StampClock` knows it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from builtin_interfaces.msg import Time
from rclpy.node import Node

from sag_ros.messages.stamps import SECOND, nanoseconds

STEP = 2_000_000  # ns; by more at once, the clock was set
# Linux slews both clocks alike, where NTP wants it; the hosts of some virtual machines slew one of them, by
# milliseconds a second. That is followed, in steps too small to be seen in a motion. ns
FOLLOWED = 20_000
_READINGS, _QUICK = 5, 10_000  # of two clocks; ns: quick enough not to be repeated


class StampClock:
    """ROS time as seconds since ``epoch`` (ns since 1970) that go on evenly, whoever sets the clock.

    The system's clock may be set (by NTP, by hand), forward or back; what was planned for a moment would then
    be executed at another one. So time itself is taken from a steady clock, and only stamps, coming in and
    going out, are on the clock that everybody else reads.

    Args:
        source: returns ROS time, ns; injected, so that tests move it by hand.
        epoch: ns; the source's present by default.
        steady: returns ns that never jump. Without, time is the source's (simulated time, say), but where
            that goes back, ours stands still.
    """

    def __init__(
        self, source: Callable[[], int], epoch: int | None = None, steady: Callable[[], int] | None = None
    ) -> None:
        self._source, self._steady = source, steady
        present = source()
        self.epoch = present if epoch is None else epoch
        self._off = 0  # ns by which the source is off what it would be, had it gone on evenly
        self._set = 0  # ns of these by which it was set at once
        self._lock = threading.Lock()
        self._last = present
        self._shift = 0
        if steady is not None:
            self._shift = self._measure(steady)[1]

    def _measure(self, steady: Callable[[], int]) -> tuple[int, int]:
        """How far apart two clocks are, ns, and before it by how much that may be wrong."""
        readings = []
        for _ in range(_READINGS):
            before = steady()
            present = self._source()
            after = steady()
            readings.append((after - before, present - (before + after) // 2))
            if after - before < _QUICK:
                break
        return min(readings)

    def _look(self) -> None:
        """Notice that the source was set, or runs away."""
        if self._steady is None:
            present = self._source()
            if present < self._last:
                self._off += present - self._last
                self._set = self._off
            self._last = present
            return
        width, shift = self._measure(self._steady)
        moved = shift - self._shift - self._off
        if abs(moved) > max(FOLLOWED, width) and width < STEP:
            with self._lock:  # whoever of two threads comes second finds nothing left
                moved = shift - self._shift - self._off
                self._off += moved
                self._set += moved if abs(moved) > STEP else 0

    def now(self) -> float:
        """The present, s since the epoch."""
        if self._steady is not None:
            return (self._steady() + self._shift - self.epoch) / SECOND
        self._look()
        return (self._last - self._off - self.epoch) / SECOND

    @property
    def set_by(self) -> float:
        """By how much the source was set since the beginning, s; looks again."""
        self._look()
        return self._set / SECOND

    @property
    def drifted_by(self) -> float:
        """By how much it has gained on the steady clock besides, little by little, s."""
        return (self._off - self._set) / SECOND

    @property
    def to_steady(self) -> float:
        """What to add to our seconds to get those of the steady clock.

        Raises:
            ValueError: there is none.
        """
        if self._steady is None:
            raise ValueError("simulated time follows no steady clock; set use_sim_time to false")
        return (self.epoch - self._shift) / SECOND

    def seconds(self, stamp: Time) -> float:
        """A stamp as s since the epoch (negative for one from before)."""
        self._look()
        return (nanoseconds(stamp) - self._off - self.epoch) / SECOND

    def nanoseconds(self, seconds: float) -> int:
        """s since the epoch as ns since 1970, as everybody's clock counts them now."""
        self._look()
        return self.epoch + self._off + round(seconds * SECOND)

    def write(self, seconds: float, stamp: Time) -> Time:
        """Write s since the epoch into ``stamp`` in place."""
        stamp.sec, stamp.nanosec = divmod(self.nanoseconds(seconds), SECOND)
        return stamp

    def message(self, seconds: float) -> Time:
        """s since the epoch as a new stamp."""
        return self.write(seconds, Time())


def clock_of(node: Node) -> StampClock:
    """The clock of a node: even, or simulated where the node has ``use_sim_time``."""
    simulated = bool(node.get_parameter("use_sim_time").value)
    if simulated:
        return StampClock(lambda: node.get_clock().now().nanoseconds)
    # What the node's clock reads, without the objects that rclpy makes of it: it is read for every message.
    return StampClock(time.time_ns, steady=time.monotonic_ns)
