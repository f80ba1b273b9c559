"""Time goes on evenly, whoever sets the clock."""

from __future__ import annotations

import pytest
from builtin_interfaces.msg import Time

from sag_ros.messages.stamps import SECOND, nanoseconds
from sag_ros.ros.stamps import FOLLOWED, STEP, StampClock

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


def test_small_differences_are_no_setting() -> None:
    clocks = Clocks()
    clock = clocks.clock()
    clocks.set_ns = STEP // 2
    clock.seconds(Time())
    assert clock.set_by == 0.0
    assert clock.drifted_by == pytest.approx(STEP / 2 / SECOND, abs=1e-5)


def test_interrupted_readings_are_no_setting() -> None:
    clocks = Clocks()
    clock = clocks.clock()
    clocks.set_ns, clocks.pause = 5 * STEP, 2 * STEP  # no reading is quick enough to say
    assert clock.set_by == 0.0
    clocks.set_ns, clocks.pause = FOLLOWED // 2, 2 * FOLLOWED
    assert (clock.set_by, clock.drifted_by) == (0.0, 0.0)
    clocks.set_ns, clocks.pause = 5 * STEP, 0
    assert clock.set_by == pytest.approx(5 * STEP / SECOND, abs=1e-4)


@pytest.mark.parametrize("gains", [5e-3, -5e-3])
def test_a_clock_that_runs_away_is_followed_without_a_step(gains: float) -> None:
    clocks = Clocks()
    own, others = clocks.clock(), clocks.clock()
    began, steps = clocks.steady_ns, []
    before, shift = own.now(), None
    for _ in range(2000):
        clocks.steady_ns += SECOND // 500
        clocks.set_ns = round(gains * (clocks.steady_ns - began))
        sent = own.now() + 0.1
        taken = others.seconds(own.message(sent))
        assert taken == pytest.approx(sent, abs=3 * FOLLOWED / SECOND)
        if shift is not None:
            steps.append(abs(taken - sent - shift))
        shift = taken - sent
    assert max(steps) < 3 * FOLLOWED / SECOND
    assert own.now() - before == pytest.approx((clocks.steady_ns - began) / SECOND, abs=1e-4)
    assert own.set_by == 0.0
    assert own.drifted_by == pytest.approx(clocks.set_ns / SECOND, abs=2 * FOLLOWED / SECOND)


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
