"""From where an arm goes on after a hold."""

from __future__ import annotations

import numpy as np
import pytest

from sag_ros.control.motion import at_rest, of_command
from sag_ros.control.states import SupervisorSettings
from sag_ros.control.watch.place import Place
from sag_ros.control.watch.tracking import Tracking

FASTEST = np.full(2, 2.0)
HELD = np.array([0.3, -0.2])


def place(**settings: float) -> tuple[Place, Tracking]:
    own = SupervisorSettings(**settings)
    tracking = Tracking(own, FASTEST)
    tracking.start(0.0, of_command(at_rest(0.0, HELD)))
    return Place(own, tracking), tracking


@pytest.mark.parametrize(("rest_error", "beside"), [(0.02, 0.01), (0.0025, 0.0025)])
def test_it_begins_at_its_command_if_the_arm_rests_beside_it(rest_error: float, beside: float) -> None:
    """As far beside as an arm that got its command may rest; further away it did not get it."""
    own, _ = place(rest_error=rest_error)
    held = of_command(at_rest(0.0, HELD))
    near, far = HELD + 0.9 * beside, HELD + 1.1 * beside
    np.testing.assert_array_equal(own.begin(near, held, 5.0), HELD)
    np.testing.assert_array_equal(own.begin(far, held, 5.0), far)
    np.testing.assert_array_equal(own.begin(near, None, 5.0), near)


@pytest.mark.parametrize("rest_error", [0.02, 0.0025])
def test_after_a_gap_it_has_to_be_where_it_is_held(rest_error: float) -> None:
    own, tracking = place(rest_error=rest_error)
    beside = min(rest_error, 0.01)
    own.gap(np.inf)  # before the first there was none
    assert own.look(1.0, at_rest=False) is None
    own.gap(1.0)
    found = own.look(1.0, at_rest=False)
    assert found is not None
    assert "from rest" in found.message
    tracking.look(1.0, HELD + 1.2 * beside, 0.0 * HELD, compare=False)
    found = own.look(1.0, at_rest=True)
    assert found is not None
    assert f"allowed {beside} rad after a gap" in found.message
    tracking.look(1.1, HELD + 0.8 * beside, 0.0 * HELD, compare=False)
    assert own.look(1.1, at_rest=True) is None
    tracking.look(1.2, HELD + 1.2 * beside, 0.0 * HELD, compare=False)
    assert own.look(1.2, at_rest=True) is None  # there was no other gap


def test_what_the_controller_holds_is_better_than_where_the_arm_rests() -> None:
    own, tracking = place()
    held = of_command(at_rest(0.0, HELD))
    tracking.look_desired(5.0, HELD + 0.004, compare=False)
    np.testing.assert_array_equal(own.begin(HELD + 0.03, held, 5.05), HELD + 0.004)
    np.testing.assert_array_equal(own.begin(HELD + 0.03, held, 6.0), HELD + 0.03)  # long ago
    np.testing.assert_array_equal(own.begin(HELD + 0.5, held, 5.05), HELD + 0.5)  # it cannot be true


def test_it_does_not_go_on_by_itself_where_the_controller_holds_something_else() -> None:
    own, tracking = place()
    tracking.look(1.0, HELD, 0.0 * HELD, compare=False)
    tracking.look_desired(1.0, HELD + np.array([0.0, 0.004]), compare=False)
    found = own.look(1.0, at_rest=True)
    assert found is not None
    assert "the controller holds joint 2 0.0040 rad from where it was commanded" in found.message
    tracking.look_desired(1.1, HELD + 0.001, compare=False)
    assert own.look(1.1, at_rest=True) is None
