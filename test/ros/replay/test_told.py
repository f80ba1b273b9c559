from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from sag_ros.messages.stamps import SECOND
from sag_ros.ros.replay.evidence import load
from sag_ros.ros.replay.told import play, read, story_of, write, write_test


@pytest.fixture(scope="module")
def story(recording):
    evidence = load(recording)
    stop = evidence.commands[-1].sent
    return story_of(evidence, stop - SECOND, stop + SECOND)


def test_no_command_of_a_recorded_fault_breaks_a_limit(story):
    played = play(story)
    stops = [values for _, what, values in story.events if what == "stop"]
    assert stops[-1] == {"fault": True}
    assert played.commands >= 2
    assert played.failures == []


def test_it_comes_back_from_its_file_to_the_bit(story, tmp_path):
    again = read(write(story, tmp_path / "story.json"))
    assert again.events == tuple((now, what, values) for now, what, values in story.events)
    assert again.settings == story.settings
    np.testing.assert_array_equal(again.first.position, story.first.position)
    assert play(again) == play(story)


def test_a_guard_that_lets_too_much_pass_fails_the_test(story, monkeypatch):
    from sag_ros.control.guard.guard import Guard

    monkeypatch.setattr(Guard, "__call__", lambda self, command: (command, []))
    events = tuple(
        (now, what, values | {"positions": (2.0 * np.array(values["positions"])).tolist()})
        if what == "chunk"
        else (now, what, values)
        for now, what, values in story.events
    )
    from dataclasses import replace

    splice = replace(story.settings.splice, beyond=50.0, reach=1e6, jump=100.0, blend=0.001)
    spoilt = replace(story, events=events, settings=replace(story.settings, splice=splice))
    assert play(spoilt).failures


def test_one_command_writes_a_test_that_runs(story, tmp_path):
    with pytest.raises(ValueError, match="test_<something>"):
        write_test(story, tmp_path / "story.py", "fault", "today")
    test, beside = write_test(story, tmp_path / "new" / "test_late.py", 'a "fault"\n\\ of today', "today")
    assert beside.name == "test_late.json"
    assert beside.stat().st_size < 500_000
    compile(test.read_text(), str(test), "exec")
    program = f"import runpy; runpy.run_path({str(test)!r})['test_late']()"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=100)
