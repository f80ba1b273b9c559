from __future__ import annotations

import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from std_msgs.msg import Float64MultiArray

from sag_ros.engines.origin import Origin, generator_of, state_words
from sag_ros.messages.errors import MessageError
from sag_ros.ros.policy.provenance.detail import DetailWriter, read
from sag_ros.values import ActionChunk, PoseChunk

CLOCK = 1_764_427_432_123_456_789
RNG = np.random.default_rng(4)
OBSERVED = np.array([[1.0, 1.5], [2.0, 2.5]]), RNG.normal(size=(2, 8)), RNG.normal(size=(2, 5)).astype("f4")
CHUNK = ActionChunk(1.25, 0.05, RNG.normal(size=(4, 7)), RNG.uniform(size=4))


def test_everything_comes_back_bit_for_bit():
    writer = DetailWriter()
    for sample in (None, RNG.normal(size=(6, 8)).astype(np.float32), None):
        origin = Origin(state_words(np.random.default_rng(1)), 0 if sample is None else 3, sample)
        found = read(writer.write(7, CLOCK, 1.5, 2, origin, OBSERVED, CHUNK))
        assert (found.chunk, found.clock, found.stamp, found.asked) == (7, CLOCK, 1.25, 1.5)
        assert (found.period, found.rung, found.origin.first_step) == (0.05, 2, origin.first_step)
        for one, other in zip(OBSERVED, (found.frames, found.states, found.features), strict=True):
            np.testing.assert_array_equal(one, other)
            assert one.dtype == other.dtype
        np.testing.assert_array_equal(found.positions, CHUNK.positions)
        np.testing.assert_array_equal(found.gripper, CHUNK.gripper)
        assert found.rotations.shape == (0, 9)
        assert (found.origin.sample is None) == (sample is None)
        if sample is not None:
            np.testing.assert_array_equal(found.origin.sample, sample)
        assert generator_of(found.origin.noise).random() == np.random.default_rng(1).random()
    origin = Origin(state_words(np.random.default_rng(2)))
    message = writer.write(8, CLOCK, 1.6, 0, origin, OBSERVED, CHUNK)
    sent = deserialize_message(serialize_message(message), Float64MultiArray)
    assert (read(sent).chunk, read(sent).asked, read(sent).origin.noise) == (8, 1.6, origin.noise)
    assert found.nanoseconds(2.5) == CLOCK + 2_500_000_000


def test_poses_have_rotations():
    turned = np.linalg.qr(RNG.normal(size=(4, 3, 3)))[0]
    chunk = PoseChunk(1.0, 0.05, CHUNK.positions[:, :3], turned, CHUNK.gripper, "no", "base", np.zeros(7))
    origin = Origin(state_words(np.random.default_rng(1)))
    found = read(DetailWriter().write(1, CLOCK, np.nan, 0, origin, OBSERVED, chunk))
    np.testing.assert_array_equal(found.rotations.reshape(4, 3, 3), turned)
    assert np.isnan(found.asked)


def test_a_message_that_was_cut_short_is_refused():
    origin = Origin(state_words(np.random.default_rng(1)))
    message = DetailWriter().write(1, CLOCK, 1.5, 0, origin, OBSERVED, CHUNK)
    message.data = message.data[:40]
    with pytest.raises(MessageError, match="should have"):
        read(message)
    with pytest.raises(MessageError, match="lacks"):
        read(Float64MultiArray())
