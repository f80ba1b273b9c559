"""Whether the arm follows."""

from __future__ import annotations

import numpy as np

from sag_ros.control.motion import Motion, of_command
from sag_ros.control.states import SupervisorSettings
from sag_ros.control.watch.tracking import Tracking
from sag_ros.values import JointCommand

FASTEST = np.full(2, 2.0)
SETTINGS = SupervisorSettings(tracking_error=0.1, tracking_lag=0.2, resume_error=0.04)


def steady(begin: float, where: float, speed: float = 0.5) -> Motion:
    times = np.array([begin, begin + 2.0])
    q = where + speed * (times - begin)
    zero = np.zeros((2, 2))
    return of_command(JointCommand(times, np.stack((q, q), axis=1), np.full((2, 2), speed), zero))


def test_each_state_is_compared_with_what_was_executed_then() -> None:
    tracking = Tracking(SETTINGS, FASTEST)
    tracking.start(0.0, steady(0.0, 0.0))
    tracking.execute(steady(1.0, 0.5))  # the same motion, sent again
    for stamp in (0.5, 0.9, 1.2):
        assert tracking.look(stamp, np.full(2, 0.5 * stamp), np.full(2, 0.5)) == ""
    assert tracking.off < 1e-12
    assert tracking.speed == 0.5
    assert tracking.distance(1.2)[1] < 1e-12


def test_far_is_told_at_once_and_a_little_after_a_while() -> None:
    tracking = Tracking(SETTINGS, FASTEST)
    tracking.start(0.0, steady(0.0, 0.0, speed=0.0))
    assert "joint 2 is 0.110 rad from its command, allowed 0.1" in tracking.look(
        0.01, np.array([0.0, 0.11]), FASTEST
    )
    tracking.start(0.0, steady(0.0, 0.0, speed=0.0))
    said = [tracking.look(0.02 * k, np.array([0.05, 0.0]), 0.1 * FASTEST) for k in range(15)]
    assert said[:10] == [""] * 10
    assert "joint 1 is 0.050 rad from its command for 0.2" in said[-1]
    assert tracking.off == 0.05


def test_before_the_first_state_nothing_is_far() -> None:
    tracking = Tracking(SETTINGS, FASTEST)
    tracking.start(0.0, steady(0.0, 0.0))
    assert tracking.distance(0.0) == (0, 0.0)
    assert tracking.speed == 0.0
    assert tracking.look(0.1, np.full(2, 9.0), FASTEST, compare=False) == ""


def test_rest_beside_a_command_at_rest_is_no_lag() -> None:
    settings = SupervisorSettings(tracking_lag=9.0, rest_error=0.02)
    beside = np.array([0.0, 0.022])

    def said(speed: float, moving: float, away: float = 1.0) -> list[str]:
        tracking = Tracking(settings, FASTEST)
        tracking.start(0.0, steady(0.0, 0.0, speed=speed))
        return [
            tracking.look(0.02 * k, speed * 0.02 * k + away * beside, np.full(2, moving)) for k in range(30)
        ]

    found = said(0.0, 0.0)
    assert found[:5] == [""] * 5
    assert "joint 2 rests 0.022 rad from its command for 0.1" in next(filter(None, found))
    assert not any(said(0.3, 0.3))  # it lags
    assert not any(said(0.0, 0.3))  # it is on its way
    assert not any(said(0.0, 0.0, away=0.8))


def ramp(begin: float, end: float, speed: float) -> Motion:
    """From 0 at ``begin`` to rest at ``end``."""
    times = np.array([begin - 5.0, begin, end, end + 5.0])
    q = speed * np.clip(times - begin, 0.0, end - begin)
    return of_command(JointCommand(times, np.stack((q, q), axis=1), np.empty((0, 2)), np.empty((0, 2))))


def test_an_arm_that_stays_while_its_command_moves_did_not_get_it() -> None:
    settings = SupervisorSettings(tracking_lag=0.15, rest_error=0.003, resume_error=0.5, tracking_error=0.6)

    def first(follows: float) -> float | None:
        """When something is said, of an arm that is so many s behind its command."""
        tracking, motion = Tracking(settings, FASTEST), ramp(1.0, 2.0, 0.05)
        tracking.start(0.0, motion)
        for stamp in 0.01 * np.arange(1, 300):
            then = max(stamp - follows, 0.0)
            q, v, _ = motion.at(then)
            if tracking.look(float(stamp), q, v):
                return float(stamp)
        return None

    assert first(follows=0.0) is None
    assert first(follows=0.1) is None  # it starts late, and comes to rest late
    lost = first(follows=9.0)
    assert lost is not None
    assert 1.15 < lost < 1.40


def follower(lag: float = 0.0, lost: float = np.inf, late: float = 0.0, error: float = 0.001) -> float | None:
    """When something is said of a controller that is ``lag`` s behind, or gets nothing from ``lost`` on, or
    each command ``late`` s after its begin: a new plan every 20 ms, each a little faster than the last."""
    settings = SupervisorSettings(command_error=error, command_lag=2.0 * lag)
    tracking, plans = Tracking(settings, FASTEST), [steady(0.0, 0.0, 0.1)]
    tracking.start(0.0, plans[0])
    for step in range(1, 100):
        begin = 0.02 * step
        where = plans[-1].at(begin)[0][0]
        plans.append(steady(begin, float(where), 0.1 + 0.002 * step))
        tracking.execute(plans[-1])
        for stamp in begin + np.array([0.0, 0.01]):
            heard = [plan for plan in plans if plan.start + late <= stamp and plan.start <= lost] or plans[:1]
            said = tracking.look_desired(float(stamp), heard[-1].at(stamp - lag)[0])
            if said:
                assert "commands do not arrive" in said
                return float(stamp)
    return None


def test_a_controller_that_follows_gets_its_commands() -> None:
    assert follower() is None
    assert follower(lag=0.02) is None
    assert follower(late=0.03) is None


def test_one_that_goes_on_with_an_old_command_does_not() -> None:
    said = follower(lost=1.0)
    assert said is not None
    assert 1.1 < said < 1.5


def test_what_the_controller_follows_is_known_for_a_while() -> None:
    tracking = Tracking(SETTINGS, FASTEST)
    tracking.start(0.0, steady(0.0, 0.0))
    assert tracking.desired(0.0) is None
    tracking.look_desired(0.5, np.array([0.1, 0.2]), compare=False)
    np.testing.assert_array_equal(tracking.desired(0.55), [0.1, 0.2])
    assert tracking.desired(0.7) is None


def test_a_gap_says_nothing() -> None:
    tracking = Tracking(SETTINGS, FASTEST)
    tracking.start(0.0, steady(0.0, 0.0, speed=0.0))
    for stamp in np.arange(0.0, 3.0, 0.2):  # further apart than what is believed to be one stretch
        assert tracking.look_desired(float(stamp), np.array([0.1, 0.0])) == ""


def test_what_is_told_late_is_not_judged() -> None:
    for age, says in ((0.0, True), (0.1, False)):
        tracking = Tracking(SETTINGS, FASTEST)
        tracking.start(0.0, steady(0.0, 0.0, speed=0.0))
        told = [tracking.look_desired(0.01 * k, np.array([0.05, 0.0]), age=age) for k in range(30)]
        assert any(told) == says


def test_an_arm_that_leans_while_its_controller_follows_is_no_fault() -> None:
    settings = SupervisorSettings(tracking_lag=9.0, rest_error=0.0025, command_error=0.001)
    leaning, zero = np.array([0.0, 0.004]), np.zeros(2)

    def said(told: float) -> list[str]:
        """With a controller that tells what it follows until ``told``, s."""
        tracking = Tracking(settings, FASTEST)
        tracking.start(0.0, steady(0.0, 0.0, speed=0.0))
        found = []
        for stamp in 0.01 * np.arange(1, 60):
            if stamp <= told:
                found.append(tracking.look_desired(float(stamp), zero))
            found.append(tracking.look(float(stamp), leaning, zero))
        return [text for text in found if text]

    assert said(told=9.0) == []
    assert "joint 2 rests 0.004 rad from its command" in said(told=0.0)[0]
    assert "joint 2 rests" in said(told=0.3)[0]
