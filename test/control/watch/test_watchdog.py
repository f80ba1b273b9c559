"""Ages are judged by an injected clock."""

from __future__ import annotations

import math

import pytest

from sag_ros.control.watch.watchdog import Watchdog


@pytest.fixture
def watchdog() -> Watchdog:
    return Watchdog({"joint_state": 0.1, "camera front": 0.2, "unused": math.inf})


def test_names_what_is_missing_or_stale(watchdog: Watchdog) -> None:
    assert watchdog.check(1.0).reason == "no joint_state yet"
    watchdog.seen("joint_state", 1.0)
    assert "camera front" in watchdog.check(1.0).reason
    watchdog.seen("camera front", 1.0)
    assert watchdog.check(1.05)
    assert watchdog.check(1.15).reason == "joint_state is 0.150 s old, allowed 0.100 s"
    assert watchdog.check(1.15, skip="joint_state")


def test_old_or_undefined_stamps_do_not_refresh(watchdog: Watchdog) -> None:
    watchdog.seen("joint_state", 1.0)
    watchdog.seen("joint_state", 0.5)
    watchdog.seen("joint_state", math.nan)
    assert watchdog.age("joint_state", 1.25) == pytest.approx(0.25)
    assert watchdog.age("camera front", 1.25) == math.inf


def test_stamps_in_the_future_tell_of_clocks_that_disagree(watchdog: Watchdog) -> None:
    health = watchdog.fresh("joint_state", 2.0, 1.0)
    assert not health
    assert "synchronise" in health.reason
    assert not watchdog.fresh("joint_state", math.nan, 1.0)


def test_reset_forgets(watchdog: Watchdog) -> None:
    watchdog.seen("joint_state", 1.0)
    watchdog.reset()
    assert not watchdog.check(1.0)


def test_unknown_inputs_and_bounds_that_make_no_sense(watchdog: Watchdog) -> None:
    with pytest.raises(KeyError, match="camera front"):
        watchdog.seen("camera wrist", 1.0)
    with pytest.raises(ValueError, match="positive"):
        Watchdog({"joint_state": 0.0})
