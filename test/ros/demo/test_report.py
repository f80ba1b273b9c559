from __future__ import annotations

import cv2
import numpy as np
import pytest
from synthetic_run import run

from sag_ros.ros.demo.report import draw, moving_rate
from sag_ros.ros.demo.run_record import Episode


@pytest.mark.parametrize("rate", [10.0, 50.0])
def test_moving_rate_is_the_rate_everywhere(rate):
    np.testing.assert_allclose(moving_rate(np.arange(100) / rate), rate)


def test_moving_rate_follows_a_change():
    times = np.cumsum(np.r_[np.full(100, 0.02), np.full(50, 0.04)])
    rates = moving_rate(times)
    assert rates[20] == pytest.approx(50.0)
    assert rates[-20] == pytest.approx(25.0)
    assert len(moving_rate(np.array([1.0]))) == 1


def test_the_picture_is_drawn(tmp_path):
    path = draw(run(2, seconds=3.0), "openvino-f32", tmp_path / "deep" / "report.png")
    picture = cv2.imread(str(path))
    assert picture.shape[0] > 900
    assert picture.shape[1] > 1200
    blue = (np.abs(picture.astype(int) - [222, 111, 47]).max(axis=2) < 40).mean()
    assert 0.02 < blue < 0.5


def test_rungs_of_other_steps_and_policies_of_other_blocks_are_drawn(tmp_path):
    episodes = run(1, seconds=3.0)
    masks = episodes[0].masks
    for number, stamp in enumerate(sorted(masks)):
        if number % 4 == 1:
            masks[stamp] = masks[stamp][:30]
        elif number % 4 == 2:
            masks[stamp] = masks[stamp][:, :12]
    assert draw(episodes, "", tmp_path / "report.png").is_file()


@pytest.mark.parametrize("episodes", [[], [Episode(0, 1)]])
def test_a_run_without_chunks_still_gives_a_picture(tmp_path, episodes):
    assert draw(episodes, "", tmp_path / "report.png").is_file()


def test_episodes_without_masks_leave_the_lower_half_empty(tmp_path):
    episodes = run(1, seconds=2.0)
    episodes[0].masks.clear()
    picture = cv2.imread(str(draw(episodes, "", tmp_path / "report.png")))
    assert (picture[int(0.6 * len(picture)) :] == 255).all()
