"""One episode while it is recorded."""

from __future__ import annotations

import numpy as np
import pytest

from sag_ros.ros.record.tape import Tape


def test_an_action_is_what_was_wanted_a_period_later():
    tape = Tape()
    for number in range(4):
        image = np.full((2, 3, 3), number, np.uint8)
        tape.add({"front": image}, np.full(8, float(number)), np.full(8, number + 0.5))
    episode = tape.episode()
    assert len(episode) == 3
    np.testing.assert_array_equal(episode.state[:, 0], [0.0, 1.0, 2.0])
    np.testing.assert_array_equal(episode.action[:, 0], [1.5, 2.5, 3.5])
    np.testing.assert_array_equal(episode.images["front"][:, 0, 0, 0], [0, 1, 2])
    assert episode.privileged.shape == (3, 0)


def test_nearly_nothing_is_no_episode():
    with pytest.raises(ValueError, match="0 frames are no episode"):
        Tape().episode()
