"""Where episodes begin and end, and which are left out."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("rosbags")

from bag_files import (
    ARM_STATES,
    DESIRED,
    FRONT,
    HAND_STATES,
    STATE,
    arm,
    converting,
    image,
    joint_state,
    recorded,
    ticks,
    types,
    write,
)

from sag_ros.data.demonstrations import Demonstrations
from sag_ros.robots.fr3 import ARM
from sag_ros.train.convert.bags.cut import marked, silent
from sag_ros.train.convert.bags.source import BagOptions, BagSource
from sag_ros.train.convert.bags.terms import BagTerms
from sag_ros.train.convert.raw import ConversionError
from sag_ros.train.convert.resample import resampled

PERIOD = 0.05


def missing(messages, topic, begin, end):
    """Without those of a topic between two times."""
    return [one for one in messages if one[0] != topic or not begin < one[1] < end]


@pytest.mark.parametrize("topic", [ARM_STATES, HAND_STATES, FRONT, DESIRED])
def test_a_gap_of_any_input_leaves_the_episode_out(tmp_path, joints, capsys, topic):
    write(tmp_path / "bag", missing(recorded(), topic, 0.601, 1.099))
    assert converting(tmp_path / "bag", tmp_path / "a.zarr", joints).run() == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert f"left out: bag: {topic} has no message for 0.5" in printed
    assert "at 0.60 s; --gap allows 0.2" in printed
    assert converting(tmp_path / "bag", tmp_path / "b.zarr", joints, gap=0.7).run() == 0
    state = Demonstrations(tmp_path / "b.zarr").state
    np.testing.assert_allclose(state[:, 0], [arm(PERIOD * n)[0] for n in range(40)], atol=1e-6)


def test_one_bag_of_several_is_left_out(tmp_path, joints, capsys):
    write(tmp_path / "bags/a", missing(recorded(), FRONT, 0.5, 1.0))
    write(tmp_path / "bags/b", recorded())
    write(tmp_path / "bags/c", [one for one in recorded() if one[0] != FRONT])
    cut_off = write(tmp_path / "bags/d", recorded())
    file = next(cut_off.glob("*.mcap"))
    file.write_bytes(file.read_bytes()[:-1000])
    assert converting(tmp_path / "bags", tmp_path / "a.zarr", joints).run() == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "1 of 4 episodes" in printed
    for said in (
        "left out: a: /front/image_raw",
        "c: has no topic /front/image_raw; there is",
        "mcap recover",
    ):
        assert said in printed


def test_an_input_that_begins_late_or_ends_early_shortens_the_episode(tmp_path, joints, capsys):
    messages = missing(missing(recorded(5.0), FRONT, -1.0, 1.45), HAND_STATES, 3.05, 9.0)
    write(tmp_path / "bag", messages)
    assert converting(tmp_path / "bag", tmp_path / "a.zarr", joints).run() == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "/front/image_raw begins at 1.47 s, so 1.47 s of it are left out" in printed
    assert "/franka_gripper/joint_states ends at 3.00 s, so 2.00 s of it are left out" in printed
    assert len(Demonstrations(tmp_path / "a.zarr")) == 30
    write(tmp_path / "short", missing(recorded(), FRONT, -1.0, 1.93))
    assert converting(tmp_path / "short", tmp_path / "b.zarr", joints).run() == 1
    assert "an episode has 3 frames, 0.05 s each" in " ".join(capsys.readouterr().out.split())


def flag(value) -> object:
    return types()["std_msgs/msg/Bool"](value)


def test_episodes_are_marked_by_a_topic(tmp_path, joints, capsys):
    marks = [(0.0, False), (0.5, True), (0.6, True), (1.2, False), (1.5, True), (2.4, False), (2.8, True)]
    messages = recorded(4.0) + [("/recording", at, flag(value)) for at, value in marks]
    write(tmp_path / "bag", missing(messages, FRONT, 1.7, 2.2))
    assert converting(tmp_path / "bag", tmp_path / "a.zarr", joints, marks="/recording").run() == 0
    found = Demonstrations(tmp_path / "a.zarr")
    assert found.ends.tolist() == [14, 14 + 24]  # 0.5 to 1.2 s and 2.8 to 4 s
    np.testing.assert_allclose(found.state[0, :7], arm(0.5), atol=1e-6)
    np.testing.assert_allclose(found.state[14, :7], arm(2.8), atol=1e-6)
    printed = " ".join(capsys.readouterr().out.split())
    assert "left out: bag, 1.50 to 2.40 s: /front/image_raw has no message for 0.5" in printed
    with pytest.raises(ConversionError, match="give one of them"):
        converting(tmp_path / "bag", tmp_path / "b.zarr", joints, marks="/recording", cut=1.0).run()
    off = [one for one in messages if one[0] != "/recording"] + [("/recording", 0.0, flag(False))]
    write(tmp_path / "off", off)
    with pytest.raises(ConversionError, match="mark no episode; one is on while data is true"):
        converting(tmp_path / "off", tmp_path / "b.zarr", joints, marks="/recording").run()


def test_episodes_are_cut_at_pauses(tmp_path, joints):
    messages = [one for one in recorded(5.0) if not 1.5 < one[1] < 3.0]
    write(tmp_path / "bag", messages)
    assert converting(tmp_path / "bag", tmp_path / "a.zarr", joints, cut=1.0).run() == 0
    found = Demonstrations(tmp_path / "a.zarr")
    assert found.ends.tolist() == [29, 29 + 40]  # 0 to 1.47 s, where the fingers end, and 3 to 5 s
    assert converting(tmp_path / "bag", tmp_path / "b.zarr", joints).run() == 1  # uncut, it has a gap


@given(st.lists(st.tuples(st.floats(0.01, 2.0), st.integers(-1, 2)), min_size=1, max_size=12))
def test_marked_stretches_are_where_a_mark_is_set(changes):
    stamps = np.cumsum([step for step, _ in changes])
    values = np.array([float(value) for _, value in changes])
    end = float(stamps[-1]) + 1.0
    found = marked(stamps, values, end)
    for time in np.r_[stamps, stamps + 0.004, end - 0.5]:
        value = values[np.searchsorted(stamps, time, side="right") - 1] if time >= stamps[0] else 0.0
        assert sum(begin <= time < finish for begin, finish in found) == int(value != 0.0)
    assert all(begin < finish for begin, finish in found)


@given(st.lists(st.floats(0.0, 50.0), min_size=1, max_size=30), st.floats(0.1, 5.0))
def test_silent_stretches_lie_apart_and_hold_every_message(stamps, pause):
    own = np.sort(stamps)
    found = silent([own[::2], own[1::2]], pause)
    assert sum(int(((own >= begin) & (own <= end)).sum()) for begin, end in found) == len(own)
    assert all(second[0] - first[1] > pause for first, second in pairwise(found))


class TestStamps:
    """What only stamps know: they jitter, and messages come in another order than they were made."""

    @settings(max_examples=6)
    @given(seed=st.integers(0, 1000), share=st.floats(0.0, 0.9), delay=st.floats(0.0, 0.05))
    def test_numbers_follow_the_stamps(self, tmp_path_factory, joints, seed, share, delay):
        rng, messages = np.random.default_rng(seed), []
        fingers = ARM.gripper.joints
        for topic, rate, names in (
            (ARM_STATES, 100, ARM.joints),
            (HAND_STATES, 30, fingers),
            (DESIRED, 60, 0),
        ):
            for at in ticks(rate)[1:-1]:
                made = at + share * rng.uniform(-0.5, 0.5) / rate
                positions = [0.02 + 0.01 * made] * 2 if names is fingers else arm(made)
                message = joint_state(made, names or ARM.joints, positions)
                messages.append((topic, made + rng.uniform(0.0, delay), message))
        for place, at in enumerate(ticks(30)):
            for camera in ("/front/image_raw", "/wrist/image_raw"):
                messages.append((camera, at + rng.uniform(0.0, delay), image(at, place)))
        bag = write(tmp_path_factory.mktemp("bags") / "bag", messages)
        cameras = {"front": "/front/image_raw", "wrist": "/wrist/image_raw"}
        action = (f"joint_position={DESIRED}", "gripper_width=measured")
        contract = joints.contract
        source = BagSource(bag, contract, ARM, BagOptions(STATE, action, cameras))
        for raw in source.episodes():
            episode = BagTerms(contract, ARM, cameras).episode(resampled(raw, source.period, PERIOD, 0.2))
            begun = min(at for _, at, _ in messages)  # stamps of a bag count from its first message
            times = begun + raw.span[0] + PERIOD * np.arange(len(episode))
            np.testing.assert_allclose(episode.state[:, :7], [arm(at) for at in times], atol=1e-5)
            np.testing.assert_allclose(episode.state[:, 7], 0.04 + 0.02 * times, atol=1e-5)
            np.testing.assert_allclose(episode.action[:, :7], [arm(at + PERIOD) for at in times], atol=1e-5)
            level = episode.images["front"][:, 3, 3, 0]
            assert np.abs(level / 30.0 - times).max() <= 0.5 / 30 + 1e-6
        topics = source.found()["topics"]
        assert json.dumps(topics)
        assert source.left_out == []

    def test_what_came_out_of_order_is_counted(self, tmp_path, joints):
        messages = recorded()
        late = [place for place, one in enumerate(messages) if one[0] == DESIRED][10]
        topic, at, message = messages[late]
        messages[late] = (topic, at + 0.1, message)
        write(tmp_path / "bag", messages)
        assert converting(tmp_path / "bag", tmp_path / "a.zarr", joints).run() == 0
        topics = json.loads((tmp_path / "a.report.json").read_text())["topics"]
        assert topics[DESIRED]["out_of_order"] == 1
        assert topics[ARM_STATES]["out_of_order"] == 0

    def test_another_clock_is_told(self, tmp_path, joints, capsys):
        messages = recorded()
        for topic, _, message in messages:
            if topic == FRONT:
                message.header.stamp.sec -= 30
        write(tmp_path / "bag", messages)
        assert converting(tmp_path / "bag", tmp_path / "a.zarr", joints).run() == 1
        printed = " ".join(capsys.readouterr().out.split())
        assert "/front/image_raw was recorded 30.00 s after it was made" in printed
        assert "synchronise the clocks" in printed

    def test_a_stamp_of_zero_is_none(self, tmp_path, joints):
        messages = recorded()
        for topic, _, message in messages:
            if topic == HAND_STATES:
                message.header.stamp.sec = message.header.stamp.nanosec = 0
        write(tmp_path / "bag", messages)
        assert converting(tmp_path / "bag", tmp_path / "a.zarr", joints).run() == 0
        topics = json.loads((tmp_path / "a.report.json").read_text())["topics"]
        assert topics[HAND_STATES]["stamps"] == "receipt"
