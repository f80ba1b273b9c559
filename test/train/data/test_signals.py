"""Demonstrations with places behind the state."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from sag_ros.train.data.signals import SignalDemonstrations

NAMES = ["bag_x", "bag_y", "bag_z", "zone_x", "zone_y", "held"]
OWN = SimpleNamespace(
    state=np.zeros((4, 8), np.float32),
    privileged=np.arange(24, dtype=np.float32).reshape(4, 6),
    privileged_names=NAMES,
    ends=np.array([4]),
)


def test_places_come_behind_the_state():
    made = SignalDemonstrations(OWN, ("zone", "bag"))
    np.testing.assert_array_equal(made.state[1], [*np.zeros(8), 9, 10, 6, 7, 8])
    assert made.contract["state"] == ["joint_position", "gripper_width", "zone", "bag"]
    assert made.contract["signals"] == {"zone": {"size": 2, "unit": "m"}, "bag": {"size": 3, "unit": "m"}}
    assert made.ends is OWN.ends


def test_what_was_not_recorded():
    with pytest.raises(ValueError, match="no place 'cup'; there is bag, zone"):
        SignalDemonstrations(OWN, ("cup",))
