from __future__ import annotations

import pytest

from sag_ros.control.states import State
from sag_ros.ros.view.words import SILENT, describe

KINDS = {"moves", "wait", "hold", "busy", "off", "fault", "lost"}
ACTIVE = {"lifecycle": "active"}


@pytest.mark.parametrize("state", [state.value for state in State])
def test_every_state_of_the_supervisor_has_a_word(state):
    told = describe(ACTIVE | {"state": state}, state, False, 0.1)
    assert told["kind"] in KINDS
    assert told["says"] != "The policy's program says so."
    assert told["why"] == ""


def test_an_unknown_state_is_shown_by_its_name_and_the_arm_may_move():
    told = describe(ACTIVE | {"state": "dancing"}, "dancing: to music", False, 0.1)
    assert (told["word"], told["why"], told["moves"]) == ("DANCING", "to music", True)
    assert describe(ACTIVE | {"state": "dancing"}, "dancing", True, 0.1)["kind"] == "fault"


def test_what_was_not_heard_lately_is_lost_whatever_it_said():
    running = ACTIVE | {"state": "running"}
    for age in (None, SILENT + 0.1, 500.0):
        told = describe(running, "running", False, age)
        assert told["kind"] == "lost"
        assert told["moves"]  # nobody may think that it stands still
    assert describe(running, "running", False, 0.1)["word"] == "RUNNING"
    assert describe(running, "running", False, 60.0, present=True)["kind"] == "lost"


def test_a_node_that_loads_says_nothing():
    for values in ({}, {"lifecycle": "unconfigured"}):
        assert describe(values, "", False, None, present=True)["word"] == "LOADING"
        assert describe(values, "", False, None, present=False)["word"] == "NOT CONNECTED"


def test_a_refusal_is_shown_with_its_reason():
    reason = "cannot activate: camera front (topic /front): nothing received yet"
    told = describe({"lifecycle": "inactive"}, reason, True, 0.1)
    assert (told["word"], told["kind"], told["why"]) == ("CANNOT START", "fault", reason)
    told = describe({"lifecycle": "unconfigured"}, "cannot configure: no bundle", True, 0.1)
    assert told["kind"] == "fault"


def test_the_reason_is_told_without_the_state():
    told = describe(ACTIVE | {"state": "holding"}, "holding: camera front is 0.5 s old", False, 0.1)
    assert told["why"] == "camera front is 0.5 s old"
