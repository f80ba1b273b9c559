from __future__ import annotations

from sag_ros.ros.flight.events import Events


def kinds(events):
    return [event.kind for event in events]


def told(state="running", lifecycle="active", stops=0, reason=""):
    return {"state": state, "lifecycle": lifecycle, "stops": str(stops), "reason": reason}


def running() -> Events:
    events = Events()
    events.on_policy(0.0, "inactive", told("inactive", "inactive"))
    assert kinds(events.on_policy(0.1, "waiting", told("waiting"))) == ["lifecycle", "state"]
    assert kinds(events.on_policy(0.2, "running", told("running"))) == ["state"]
    return events


def test_a_hold_is_a_stop_and_going_on_is_none():
    events = running()
    found = events.on_policy(0.3, "", told("stopping", stops=1, reason="camera front is old"))
    assert kinds(found) == ["state", "stop"]
    assert found[1].text == "camera front is old"
    assert kinds(events.on_policy(0.4, "", told("holding", stops=1))) == ["state"]
    assert kinds(events.on_policy(0.5, "", told("running", stops=1))) == ["state"]


def test_a_stop_that_is_over_before_anybody_looked_counts():
    assert kinds(running().on_policy(0.3, "", told("running", stops=1))) == ["stop"]


def test_a_fault_is_told_once():
    events = running()
    assert kinds(events.on_policy(0.3, "", told("stopping", stops=1))) == ["state", "stop"]
    assert kinds(events.on_policy(0.4, "", told("fault", stops=1))) == ["state", "fault"]
    assert kinds(events.on_policy(0.5, "", told("fault", stops=1))) == []


def test_the_stop_at_the_end_is_no_event_but_an_episode_without_success_is():
    events = running()
    events.on_status({"episode": 7, "success": False, "message": "lifting"})
    found = events.on_policy(0.3, "", told("stopping", "inactive", stops=1))
    assert kinds(found) == ["lifecycle", "state", "failure"]
    assert "episode 7: lifting" in found[-1].text
    assert kinds(events.on_policy(0.4, "", told("inactive", "inactive", stops=1))) == ["state"]


def test_success_and_what_the_operator_said_are_no_failures():
    for status, mark in (({"success": True}, ""), ({"success": False}, "success"), ({}, "")):
        events = running()
        events.on_status(status and {"episode": 1, **status})
        if mark:
            events.mark(mark)
        assert "failure" not in kinds(events.on_policy(0.3, "", told("inactive", "inactive")))


def test_a_new_episode_is_marked_and_forgets_the_outcome():
    events = running()
    assert events.on_status({"episode": 1, "seed": 4}) == []
    events.mark("failure")
    assert kinds(events.on_status({"episode": 2, "seed": 5})) == ["episode"]
    assert events.outcome == ""


def test_how_the_episode_before_ended_is_told_with_the_next():
    events = running()
    events.on_status({"episode": 1, "seed": 4, "success": False, "message": "released outside the zone"})
    (found,) = events.on_status({"episode": 2, "seed": 5, "success": False, "message": "reaching"})
    assert found.text == "2, seed 5; the one before: no success, released outside the zone"
    events.on_status({"episode": 2, "seed": 5, "success": True, "message": "released in the zone"})
    (found,) = events.on_status({"episode": 3, "seed": 6})
    assert found.text == "3, seed 6; the one before: success, released in the zone"


def test_a_node_that_falls_silent_is_told_once():
    events = running()
    assert events.look(1.0) == []
    assert kinds(events.look(3.0)) == ["silent"]
    assert events.look(4.0) == []
    idle = Events()
    idle.on_policy(0.0, "", told("inactive", "inactive"))
    assert idle.look(9.0) == []


def test_why_the_policy_was_deactivated_is_told():
    events = Events()
    events.on_policy(0.0, "running", {"lifecycle": "active", "state": "running"})
    values = {"lifecycle": "inactive", "state": "inactive", "deactivated": "~/stop was called"}
    found = [event.text for event in events.on_policy(1.0, "inactive", values) if event.kind == "lifecycle"]
    assert found == ["active to inactive: ~/stop was called"]
