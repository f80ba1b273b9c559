from __future__ import annotations

import numpy as np
import pytest

from sag_ros.data.windows import hold_out, window_frames


def test_windows_match_the_literal_rule():
    ends, horizon, obs, act = np.array([9, 25]), 8, 2, 4
    expected = []
    for start, end in ((0, 9), (9, 25)):
        for first in range(start - (obs - 1), end - horizon + (act - 1) + 1):
            expected.append([min(max(first + j, start), end - 1) for j in range(horizon)])
    np.testing.assert_array_equal(window_frames(ends, horizon, obs, act), expected)


def test_first_window_repeats_the_first_frame_and_last_ends_the_episode():
    frames = window_frames(np.array([30]), 16, 2, 8)
    assert frames[0, :3].tolist() == [0, 0, 1]
    # the newest observation (token To - 1) of the first window is the first frame of the episode
    assert frames[0, 1] == 0
    assert frames[-1].tolist() == [*range(21, 30), *[29] * 7]


def test_every_frame_that_can_be_executed_is_the_newest_observation_once():
    frames = window_frames(np.array([40]), 16, 2, 8)
    assert frames[:, 1].tolist() == list(range(40 - 16 + 8 + 1))


def test_selected_episodes_and_short_ones():
    ends = np.array([20, 23, 60])
    assert set(window_frames(ends, 16, 2, 8, np.array([1])).ravel()) == {20, 21, 22}
    assert len(window_frames(ends, 16, 2, 8, np.array([], int))) == 0


def test_refuses_actions_beyond_the_horizon():
    with pytest.raises(ValueError, match="To - 1 \\+ Ta"):
        window_frames(np.array([20]), 8, 2, 8)


def test_hold_out_partitions():
    train, held = hold_out(40, 0.05, seed=1)
    assert len(held) == 2
    assert sorted([*train, *held]) == list(range(40))
    assert not np.array_equal(held, hold_out(40, 0.05, seed=2)[1])
    with pytest.raises(ValueError, match="record more"):
        hold_out(1, 0.05, seed=0)
