"""Time goes on evenly, whoever sets the clock."""

from __future__ import annotations

import pytest
from builtin_interfaces.msg import Time

from sag_ros.messages.stamps import SECOND, nanoseconds
from sag_ros.ros.stamps import STEP, StampClock

BEGIN = 1_700_000_000 * SECOND


class Clocks:
    """A steady clock and one that can be set; both go on by a microsecond with every look."""

    def __init__(self) -> None:
        self.steady_ns, self.set_ns, self.pause = 5 * SECOND, 0, 0

    def steady(self) -> int:
        self.steady_ns += 1000
        return self.steady_ns

    def source(self) -> int:
        self.steady_ns += 1000 + self.pause
        return BEGIN + self.steady_ns + self.set_ns

    def clock(self) -> StampClock:
        return StampClock(self.source, steady=self.steady)

    def stamp(self) -> Time:
        sec, nanosec = divmod(BEGIN + self.steady_ns + self.set_ns, SECOND)
        return Time(sec=sec, nanosec=nanosec)


@pytest.mark.parametrize("seconds", [3600.0, -3600.0, 0.01, -0.01])
def test_setting_the_clock_moves_stamps_and_not_time(seconds: float) -> None:
    clocks = Clocks()
    clock = clocks.clock()
    before = clock.now()
    clocks.set_ns = round(seconds * SECOND)
    assert clock.now() - before < 1e-4
    assert clock.seconds(clocks.stamp()) == pytest.approx(clock.now(), abs=1e-4)
    assert clock.set_by == pytest.approx(seconds, abs=1e-4)
    written = nanoseconds(clock.message(clock.now()))
    assert abs(written - (BEGIN + clocks.steady_ns + clocks.set_ns)) < 100_000


def test_small_differences_and_interrupted_readings_are_no_setting() -> None:
    clocks = Clocks()
    clock = clocks.clock()
    clocks.set_ns = STEP // 2
    clock.seconds(Time())
    assert clock.set_by == 0.0
    clocks.set_ns, clocks.pause = 5 * STEP, 2 * STEP  # no reading is quick enough to say
    assert clock.set_by == 0.0
    clocks.pause = 0
    assert clock.set_by == pytest.approx(5 * STEP / SECOND, abs=1e-4)


def test_simulated_time_that_goes_back_lets_ours_stand_still() -> None:
    present = [100 * SECOND]
    clock = StampClock(lambda: present[0])
    present[0] += 7 * SECOND
    assert clock.now() == 7.0
    present[0] = 40 * SECOND  # the recording begins again
    assert clock.now() == 7.0
    present[0] += SECOND
    assert clock.now() == 8.0
    assert clock.seconds(Time(sec=41)) == 8.0
    with pytest.raises(ValueError, match="use_sim_time"):
        _ = clock.to_steady


def test_seconds_of_the_steady_clock() -> None:
    clocks = Clocks()
    clock = clocks.clock()
    assert clock.now() + clock.to_steady == pytest.approx(clocks.steady_ns / SECOND, abs=1e-4)
