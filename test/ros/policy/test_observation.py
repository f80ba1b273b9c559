from __future__ import annotations

import threading

import numpy as np
import pytest

from sag_ros.messages.errors import MessageError
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.ros.images import rgb_to_image
from sag_ros.ros.policy.inputs import Frame
from sag_ros.ros.policy.observation import ObservationAssembler

CONTRACT = random_bundle(0).contract


class CountingRunner:
    """Features are the top left pixel, so that one sees where they came from."""

    def __init__(self):
        self.encoded = []

    def encode(self, camera, image):
        assert image.shape == (28, 28, 3)
        self.encoded.append((camera, int(image[0, 0, 0])))
        return np.float32([image[0, 0, 0]])

    def features(self, frames, states):
        return np.stack([np.r_[f["front"], f["wrist"], s] for f, s in zip(frames, states, strict=True)])


def frames(stamp, value, skew=0.0):
    image = rgb_to_image(np.full((28, 28, 3), value, np.uint8))
    return {"front": Frame(stamp, image), "wrist": Frame(stamp - skew, image)}


@pytest.fixture
def runner():
    return CountingRunner()


@pytest.fixture
def assembler(runner):
    return ObservationAssembler(runner, CONTRACT, state_at=lambda stamp: np.full(8, stamp))


def observe(assembler, frames):
    assembler.encode(frames)
    return assembler.observe(0.0)


def test_after_a_reset_nothing_of_before_is_used_also_what_was_still_to_be_encoded(assembler):
    for i in range(6):
        observe(assembler, frames(i / 60, i))
    assembler.reset(since=0.095)
    assert observe(assembler, frames(0.09, 6)) is None
    assert observe(assembler, frames(0.1, 7, skew=0.01)) is None  # one of its pictures is from before
    observation = observe(assembler, frames(0.12, 8))
    np.testing.assert_allclose(observation.features[:, 0], [8, 8])
    np.testing.assert_allclose(observation.stamps, [0.12, 0.12])


def test_a_frame_that_came_before_its_set_is_not_encoded_again(assembler, runner):
    both = frames(0.0, 5)
    assembler.prepare({"front": both["front"]})
    assert runner.encoded == [("front", 5)]
    assert observe(assembler, both).features[0, 0] == 5
    assert runner.encoded == [("front", 5), ("wrist", 5)]
    early = frames(0.1, 6)  # replaced by a newer one until the set is complete
    assembler.prepare({"front": early["front"]})
    assert observe(assembler, frames(0.2, 7)).features[-1, 0] == 7
    assert runner.encoded[2:] == [("front", 6), ("front", 7), ("wrist", 7)]


def test_what_is_wrong_with_an_early_frame_is_said_with_its_set(assembler):
    bad = frames(0.0, 5)
    bad["front"].message.encoding = "32FC1"
    assembler.prepare({"front": bad["front"]})
    with pytest.raises(MessageError, match="camera front"):
        assembler.encode(bad)


def test_every_frame_is_encoded_once_and_the_past_comes_from_the_ring(assembler, runner):
    for i in range(10):
        observation = observe(assembler, frames(i / 60, i))
    assert len(runner.encoded) == 20
    assert len(set(runner.encoded)) == 20
    # 50 ms ago at 60 Hz is three frames ago
    np.testing.assert_allclose(observation.features[:, 0], [6, 9])
    np.testing.assert_allclose(observation.stamps, [6 / 60, 9 / 60])
    assert observation.stamp == 9 / 60


def test_the_state_is_the_one_at_the_stamp_of_the_frame(assembler):
    for i in range(10):
        observation = observe(assembler, frames(i / 60, i))
    np.testing.assert_allclose(observation.features[:, 2:], np.repeat([[6 / 60], [9 / 60]], 8, axis=1))


def test_the_first_observation_repeats_its_frame(assembler):
    observation = observe(assembler, frames(1.0, 7))
    np.testing.assert_allclose(observation.features[:, :2], 7)


def test_after_a_reset_the_past_is_gone(assembler):
    observe(assembler, frames(1.0, 7))
    assembler.reset()
    np.testing.assert_allclose(observe(assembler, frames(1.05, 8)).features[:, 0], 8)


def test_nearest_is_by_stamp_not_by_count(assembler):
    for stamp, value in ((0.0, 1), (0.02, 2), (0.03, 3), (0.1, 4), (0.11, 5)):
        observation = observe(assembler, frames(stamp, value))
    assert observation.features[0, 0] == 3  # 0.06 is wanted: 0.03 is closer than 0.1


def test_an_image_that_cannot_be_used_names_its_camera(assembler):
    bad = frames(1.0, 0)
    bad["front"].message.encoding = "32FC1"
    with pytest.raises(MessageError, match=r"camera front: .*32FC1"):
        assembler.encode(bad)


def test_the_same_frames_are_observed_once(assembler):
    assembler.encode(frames(1.0, 7))
    assert assembler.observe(0.0) is not None
    assert assembler.observe(0.0) is None


def test_of_several_new_sets_the_newest_is_observed(assembler):
    for i in range(4):
        assembler.encode(frames(i / 60, i))
    observation = assembler.observe(0.0)
    assert observation.stamp == 3 / 60
    np.testing.assert_allclose(observation.features[:, 0], [0, 3])


def test_a_waiting_observer_wakes_up(assembler):
    seen = []
    thread = threading.Thread(target=lambda: seen.append(assembler.observe(60.0)))
    thread.start()
    assembler.encode(frames(1.0, 7))
    thread.join(60.0)
    assert seen[0].stamp == 1.0


def test_who_waits_can_be_interrupted(assembler):
    assembler.interrupt()
    assert assembler.observe(60.0) is None
    assert observe(assembler, frames(0.0, 1)) is not None


def test_pictures_are_watched_after_the_features_are_there(runner):
    seen = []

    class Watch:
        def look(self, stamp, image, joints):
            seen.append((stamp, int(image[0, 0, 0]), assembler.observe(0.0) is not None))

    assembler = ObservationAssembler(
        runner, CONTRACT, state_at=lambda stamp: np.full(8, stamp), pictures={"front": Watch()}
    )
    assembler.encode(frames(0.5, 7))
    assert seen == [(0.5, 7, True)]
