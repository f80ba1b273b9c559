from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from sag_ros.messages.stamps import SECOND
from sag_ros.ros.replay import picture
from sag_ros.ros.replay.evidence import Mark
from sag_ros.ros.replay.picture import moment
from sag_ros.ros.replay.timeline import decisions_in_a_row, pace, released, timeline

JOINTS = [f"joint{n}" for n in range(7)]


def chunk(second, width=0.08, latency=20.0, missed=0, refused=0, positions=None, period=0.05):
    positions = np.zeros((8, 7)) if positions is None else positions
    detail = SimpleNamespace(
        states=np.array([[0.0] * 7 + [width]]), positions=positions, stamp=second, period=period
    )
    record = SimpleNamespace(latency_ms=latency, missed=missed, refused=refused)
    came = round(second * SECOND)
    return SimpleNamespace(received=came, detail=detail, record=record, executed=not refused)


def evidence(chunks, marks=(), reason="failure: x"):
    return SimpleNamespace(
        chunks=chunks, marks=list(marks), joint_names=JOINTS, config=SimpleNamespace(deadline=0.05),
        metadata={"reason": reason}, commands=[], recording=SimpleNamespace(begin=0),
        policy_node="policy_node", diagnostics=[],
    )  # fmt: skip


def grasp():
    """Open, closed on a bag, then on nothing, then open: (s, m)."""
    times = np.arange(0.0, 8.0, 0.05)
    return times, np.interp(times, [0, 1, 1.5, 4, 4.2, 6, 6.5], [0.08, 0.08, 0.04, 0.038, 0, 0, 0.08])


def test_the_hand_opens_and_closes_and_loses_what_it_held():
    chunks = [chunk(t, width) for t, width in zip(*grasp(), strict=True)]
    said = [(round(one.at / SECOND, 1), one.text) for one in timeline(evidence(chunks))]
    assert said == [
        (1.0, "the hand closes, 80 to 40 mm"),
        (4.0, "the hand closes, 38 to 0 mm"),
        (6.0, "the hand opens, 0 to 80 mm"),
    ]


def test_marks_and_silences_are_in_their_order():
    marks = [Mark(3 * SECOND, "state", "running to paused"), Mark(0, "episode", "4, seed 1")]
    found = timeline(evidence([chunk(t) for t in (0.1, 0.2, 1.4, 1.5)], marks))
    assert [one.text for one in found] == [
        "episode: 4, seed 1", "no decision for 1.2 s", "state: running to paused",
    ]  # fmt: skip


def test_what_the_policy_node_complains_of_begins_and_ends_once():
    found = evidence([chunk(0.1)])
    camera, late = "camera front is 0.41 s old", "3 of the last 60 chunks came later than 50 ms"
    told = [{}, {"cause 0": camera}, {"cause 0": late, "cause 1": camera.replace("0.41", "0.91")}, {}]
    found.diagnostics = [
        (n * SECOND, "policy_node: status", "running", {**values, "cause": "not one", "remedy 0": "look"})
        for n, values in enumerate(told)
    ]
    found.diagnostics.append((0, "sim_node: status", "", {"cause 0": "of another node"}))
    assert [(one.at // SECOND, one.text) for one in timeline(found)] == [
        (1, f"policy_node: {camera}"),
        (2, f"policy_node: {late}"),
        (3, f"policy_node: over: {late}"),
        (3, "policy_node: over: camera front is 0.91 s old"),
    ]


def test_between_two_episodes_no_decision_is_missed():
    marks = [Mark(round(0.6 * SECOND), "lifecycle", "active to inactive: inactive")]
    found = timeline(evidence([chunk(t) for t in (0.1, 0.2, 1.4, 1.5, 4.0)], marks))
    assert [one.text for one in found] == [
        "lifecycle: active to inactive: inactive", "no decision for 2.5 s",
    ]  # fmt: skip


def test_whether_it_was_in_time():
    chunks = [chunk(0.1 * n, latency=10.0 + n, missed=n > 18) for n in range(20)]
    chunks += [chunk(5.0 + 0.1 * n, latency=900.0, refused=1) for n in range(5)]
    found = pace(evidence(chunks))
    assert found.rate == pytest.approx(10.0)
    assert found.latency[0] == pytest.approx(19.5)
    assert (found.late, found.refused, found.chunks, found.deadline) == (1, 5, 25, 0.05)
    assert pace(evidence([SimpleNamespace(record=None)])) is None


def test_the_moment_of_a_failure_is_when_the_hand_let_go_in_that_episode(monkeypatch):
    monkeypatch.setattr(picture, "_stopped", lambda evidence, marked: marked)  # no stop, no commands
    chunks = [chunk(t, width) for t, width in zip(*grasp(), strict=True)]
    failed = Mark(7 * SECOND, "failure", "episode 3: missed")
    at, text = moment(evidence(chunks, [failed]))
    assert at / SECOND == pytest.approx(6.0, abs=0.1)
    assert text == "failure: episode 3: missed; here the hand opens, 1.0 s before"
    began = Mark(round(6.8 * SECOND), "episode", "3, seed 9")
    assert released(evidence(chunks, [began, failed]), failed.at) is None
    assert moment(evidence(chunks, [began, failed]))[0] == failed.at


def test_by_how_much_decisions_in_a_row_differ():
    line = np.arange(8.0)[:, None] * np.full(7, 0.1)
    same = [chunk(0.05 * n, positions=line + 0.1 * n) for n in range(5)]
    assert decisions_in_a_row(evidence(same)) == pytest.approx(0.0, abs=1e-9)
    shifted = [chunk(0.05 * n, positions=line + 0.1 * n + 0.02 * (n % 2)) for n in range(5)]
    assert decisions_in_a_row(evidence(shifted)) == pytest.approx(0.02)
    apart = [chunk(2.0 * n, positions=line) for n in range(5)]
    assert np.isnan(decisions_in_a_row(evidence(apart)))


def test_a_recording_without_a_hand():
    found = [chunk(t) for t in (0.1, 0.2)]
    for one in found:
        one.detail = SimpleNamespace(**vars(one.detail) | {"states": np.zeros((1, 7))})
    assert timeline(evidence(found)) == []


def test_the_moment_of_an_episode_that_was_paused_to_its_end_is_that_of_the_last_executed_decision():
    chunks = [chunk(0.1 * n, refused=n > 20) for n in range(80)]
    failed = Mark(round(8.0 * SECOND), "failure", "episode 0: carrying the bag")
    at, text = moment(evidence(chunks, [failed]))
    assert at == 2 * SECOND
    assert text == "failure: episode 0: carrying the bag; here the last decision was executed, 6.0 s before"
