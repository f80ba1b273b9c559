"""Single pictures, judged before the arm moves."""

from __future__ import annotations

import numpy as np

from sag_ros.ros.policy.camera_check import CameraCheck


def test_only_what_shows_nothing_is_told_without_statistics() -> None:
    check = CameraCheck(("front", "wrist"), {})
    noise = np.random.default_rng(0).integers(0, 255, (28, 28, 3), dtype=np.uint8)
    assert check.judge({"front": noise, "wrist": noise}) == []
    (text,) = check.judge({"front": noise, "wrist": 0 * noise})
    assert text.startswith("camera wrist shows nothing")
    assert "set pictures to warn" in text
    watch = check.watches["front"]
    for k in range(20):
        watch.look(0.05 * k, 0 * noise, np.zeros(7))
    assert watch.problem
    check.reset()
    assert not watch.problem
