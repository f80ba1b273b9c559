from __future__ import annotations

import threading

import numpy as np
import pytest

from sag_ros.ros.policy.inputs import Frame, JointHistory, NewestFrames


def test_a_set_is_complete_and_every_frame_in_it_is_new():
    frames = NewestFrames(["front", "wrist"])
    frames.put("front", Frame(1.0, "a"))
    assert frames.take(0.0) is None
    frames.put("wrist", Frame(1.1, "b"))
    assert {name: f.message for name, f in frames.take(0.0).items()} == {"front": "a", "wrist": "b"}
    frames.put("front", Frame(2.0, "c"))
    assert frames.take(0.0) is None
    frames.put("front", Frame(3.0, "d"))
    frames.put("wrist", Frame(2.9, "e"))
    assert {name: f.message for name, f in frames.take(0.0).items()} == {"front": "d", "wrist": "e"}


def test_an_older_frame_never_replaces_a_newer_one():
    frames = NewestFrames(["front"])
    frames.put("front", Frame(2.0, "new"))
    frames.put("front", Frame(1.0, "late"))
    assert frames.take(0.0)["front"].message == "new"
    assert frames.stamps() == {"front": 2.0}


def test_the_first_frame_of_a_set_can_be_had_before_the_others():
    frames = NewestFrames(["front", "wrist"])
    assert frames.early(0.0) == {}
    frames.put("front", Frame(1.0, "a"))
    assert {name: f.message for name, f in frames.early(0.0).items()} == {"front": "a"}
    assert frames.early(0.0) == {}  # once
    frames.put("front", Frame(1.5, "b"))
    assert frames.early(0.0) == {}  # and not each of a quicker camera
    frames.put("wrist", Frame(1.6, "c"))
    assert frames.early(0.0) == {}  # the set is complete
    assert {name: f.message for name, f in frames.take(0.0).items()} == {"front": "b", "wrist": "c"}
    frames.put("wrist", Frame(2.0, "d"))
    assert list(frames.early(0.0)) == ["wrist"]
    frames.forget()
    frames.put("wrist", Frame(3.0, "e"))
    assert list(frames.early(0.0)) == ["wrist"]


def test_forgetting_leaves_nothing_to_take():
    frames = NewestFrames(["front"])
    frames.put("front", Frame(1.0, ""))
    frames.forget()
    assert frames.take(0.0) is None
    assert frames.stamps() == {"front": None}


def test_a_waiting_thread_is_woken():
    frames, got = NewestFrames(["front"]), []
    thread = threading.Thread(target=lambda: got.append(frames.take(10.0)))
    thread.start()
    frames.put("front", Frame(1.0, "x"))
    thread.join(10.0)
    assert got[0]["front"].stamp == 1.0


@pytest.mark.parametrize("count", [5, 8, 30])  # before, at and after the ring wraps round
def test_states_are_interpolated_in_time(count):
    history = JointHistory(2, length=8)
    for i in range(count):
        assert history.put(0.1 * i, np.array([i, 10.0 * i]))
    last = count - 1
    np.testing.assert_allclose(history.at(0.1 * (last - 0.25)), [last - 0.25, 10 * (last - 0.25)])
    np.testing.assert_allclose(history.at(99.0), [last, 10 * last])
    first = max(0, count - 8)
    np.testing.assert_allclose(history.at(-99.0), [first, 10 * first])
    assert history.newest == pytest.approx(0.1 * last)


def test_a_state_that_is_not_newer_is_dropped():
    history = JointHistory(1)
    assert history.put(1.0, np.array([1.0]))
    assert not history.put(1.0, np.array([2.0]))
    assert not history.put(0.5, np.array([3.0]))
    assert history.at(1.0) == 1.0


def test_an_empty_history_says_so():
    with pytest.raises(LookupError, match="no state"):
        JointHistory(1).at(0.0)
    assert JointHistory(1).newest is None
