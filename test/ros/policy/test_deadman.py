from __future__ import annotations

from sag_ros.ros.policy.deadman import Deadman


def test_without_a_topic_it_never_blocks():
    assert Deadman(0.3, required=False).released(1e9) == ""


def test_it_must_be_pressed_and_stay_pressed():
    deadman = Deadman(0.3, required=True)
    assert "released" in deadman.released(0.0)
    deadman.hear(True, 1.0)
    assert deadman.released(1.25) == ""
    assert "silent for 0.40 s" in deadman.released(1.4)
    deadman.hear(True, 1.4)
    assert deadman.released(1.5) == ""
    deadman.hear(False, 1.5)
    assert "released" in deadman.released(1.5)
