"""Bags become demonstrations: what is in them comes out at the policy's rate."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("rosbags")

from bag_files import (
    ARM_STATES,
    DESIRED,
    FRONT,
    HAND,
    HAND_STATES,
    SECONDS,
    STATE,
    arm,
    compressed,
    converting,
    header,
    joint_state,
    number,
    recorded,
    ticks,
    types,
    width,
    write,
)

from sag_ros.data.demonstrations import Demonstrations
from sag_ros.robots.fr3 import ARM
from sag_ros.train.convert.raw import ConversionError
from sag_ros.train.data.fitted import fitted

PERIOD = 0.05


def without(messages, topic):
    return [one for one in messages if one[0] != topic]


@pytest.mark.parametrize("storage", ["MCAP", "SQLITE3"])
def test_everything_at_the_rate_of_the_policy(tmp_path, joints, capsys, storage):
    write(tmp_path / "bag", recorded(), storage)
    assert converting(tmp_path / "bag", tmp_path / "a.zarr", joints).run() == 0
    found = Demonstrations(tmp_path / "a.zarr")
    times = PERIOD * np.arange(len(found))
    assert len(found) == 40  # of 2 s; the last frame has no action
    np.testing.assert_allclose(found.state[:, :7], [arm(at) for at in times], atol=1e-6)
    np.testing.assert_allclose(found.state[:, 7], width(times), atol=1e-6)
    np.testing.assert_allclose(found.action[:, :7], [arm(at + PERIOD, 0.1) for at in times], atol=1e-6)
    # Measured until the first command; then each counts until the next.
    after = times + PERIOD
    wanted = np.select([after < 0.509, after < 1.509], [width(after), 0.0 * after], 0.06)
    np.testing.assert_allclose(found.action[:, 7], wanted, atol=1e-3)
    for camera, first, colour in (("front", 0, 0), ("wrist", 100, 0)):
        level = found.images(camera)[:, 5, 5, colour].astype(int) - first
        assert np.abs(level / 30 - times).max() <= 0.5 / 30 + 1e-9
    assert fitted(joints.contract, tmp_path / "a.zarr").attributes["converted"]["source_period"] is None
    printed = " ".join(capsys.readouterr().out.split())
    assert "1 of 1 episodes, 40 frames, kept at 20.0 Hz" in printed
    assert "/franka/joint_states: sensor_msgs/msg/JointState, 201 messages, 100.0 Hz" in printed
    topics = json.loads((tmp_path / "a.report.json").read_text())["topics"]
    assert topics[FRONT]["rate"] == pytest.approx(30.0, abs=0.01)
    assert topics[FRONT]["stamps"] == "header"


def test_a_file_and_a_folder_of_bags(tmp_path, joints):
    for name in ("episode_10", "episode_2"):
        write(tmp_path / "bags" / name, recorded(1.0 if name == "episode_2" else SECONDS))
    assert converting(tmp_path / "bags", tmp_path / "a.zarr", joints).run() == 0
    assert Demonstrations(tmp_path / "a.zarr").ends.tolist() == [20, 60]
    file = next((tmp_path / "bags/episode_2").glob("*.mcap"))
    assert converting(file, tmp_path / "b.zarr", joints, episodes=1).run() == 0
    assert Demonstrations(tmp_path / "b.zarr").ends.tolist() == [20]


def test_joints_are_found_by_name_among_others_in_any_order(tmp_path, joints):
    names = ["other_joint", *reversed(ARM.joints), *ARM.gripper.joints]
    messages = without(without(recorded(), ARM_STATES), HAND_STATES)
    for at in ticks(100):  # arm and fingers in one message; between them another robot's
        positions = [9.0, *arm(at)[::-1], 0.5 * width(at), 0.5 * width(at)]
        messages.append((ARM_STATES, at, joint_state(at, names, positions)))
        messages.append((ARM_STATES, at, joint_state(at + 0.001, ["other_joint"], [3.0])))
    write(tmp_path / "bag", messages)
    state = (STATE[0], f"gripper_width={ARM_STATES}")
    assert converting(tmp_path / "bag", tmp_path / "a.zarr", joints, state=state).run() == 0
    found = Demonstrations(tmp_path / "a.zarr")
    np.testing.assert_allclose(found.state[:, :7], [arm(PERIOD * n) for n in range(40)], atol=1e-6)
    np.testing.assert_allclose(found.state[:, 7], width(PERIOD * np.arange(40)), atol=1e-6)


def test_joints_with_a_prefix(tmp_path, joints):
    messages = recorded()
    for _, _, message in messages:
        if hasattr(message, "name"):
            message.name = [f"left_{name}" for name in message.name]
    write(tmp_path / "bag", messages)
    with pytest.raises(ConversionError, match="none can be used; none is about joint_position"):
        converting(tmp_path / "bag", tmp_path / "a.zarr", joints).run()
    assert converting(tmp_path / "bag", tmp_path / "a.zarr", joints, joint_prefix="left_").run() == 0


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_compressed_pictures_of_another_size(tmp_path, joints, suffix):
    messages = without(recorded(), FRONT)
    messages += [(FRONT, at, compressed(at, 40 + 3 * n, suffix)) for n, at in enumerate(ticks(20))]
    write(tmp_path / "bag", messages)
    converting(tmp_path / "bag", tmp_path / "a.zarr", joints).run()
    pictures = Demonstrations(tmp_path / "a.zarr").images("front")
    assert pictures.shape == (40, 28, 28, 3)
    np.testing.assert_allclose(pictures[..., 0].mean(axis=(1, 2)), 40 + 3 * np.arange(40), atol=3)
    assert pictures[..., 1:].max() < 8


def trajectory(seconds, offset, ahead):
    kinds = types()
    points = [
        kinds["trajectory_msgs/msg/JointTrajectoryPoint"](
            arm(seconds + later, offset)[::-1].copy(), np.empty(0), np.empty(0), np.empty(0),
            kinds["builtin_interfaces/msg/Duration"](0, round(later * 1e9)),
        )
        for later in ahead
    ]  # fmt: skip
    kind = kinds["trajectory_msgs/msg/JointTrajectory"]
    return kind(header(seconds), list(reversed(ARM.joints)), points)


def test_trajectories_are_followed_as_their_controller_does(tmp_path, joints):
    messages = without(recorded(), DESIRED)
    # Chunks of half a second, each replaced after a fifth; the last is followed to its end and held.
    messages += [
        (DESIRED, at, trajectory(at, 0.1, (0.0, 0.25, 0.5))) for at in np.arange(0.4, 1.3, 0.2).round(6)
    ]
    write(tmp_path / "bag", messages)
    assert converting(tmp_path / "bag", tmp_path / "a.zarr", joints).run() == 0
    found, after = Demonstrations(tmp_path / "a.zarr"), PERIOD * np.arange(1, 41)
    before = after < 0.39
    np.testing.assert_allclose(found.action[before, :7], [arm(at) for at in after[before]], atol=1e-6)
    moving = (after > 0.41) & (after < 1.69)
    np.testing.assert_allclose(found.action[moving, :7], [arm(at, 0.1) for at in after[moving]], atol=1e-6)
    np.testing.assert_allclose(found.action[after > 1.71, :7], arm(1.7, 0.1)[None].repeat(6, 0), atol=1e-6)


def test_measured_actions(tmp_path, joints):
    write(tmp_path / "bag", without(recorded(), DESIRED))
    action = ("measured", f"gripper_width={HAND}")
    assert converting(tmp_path / "bag", tmp_path / "a.zarr", joints, action=action).run() == 0
    found = Demonstrations(tmp_path / "a.zarr")
    np.testing.assert_allclose(found.action[:-1, :7], found.state[1:, :7], atol=1e-6)
    assert found.action[15, 7] == 0.0
    converting(tmp_path / "bag", tmp_path / "b.zarr", joints, action=("measured",)).run()
    found = Demonstrations(tmp_path / "b.zarr")
    np.testing.assert_allclose(found.action[:-1], found.state[1:], atol=1e-6)


def test_a_hand_that_was_never_told_anything(tmp_path, joints):
    with pytest.raises(ConversionError, match=f"has no topic {HAND}; there is /desired"):
        converting(write(tmp_path / "bag", without(recorded(), HAND)), tmp_path / "a.zarr", joints).run()


def test_numbers_by_their_field_and_their_unit(tmp_path, joints):
    messages = without(recorded(), HAND_STATES)
    messages += [("/hand/width", at, number(1000.0 * width(at))) for at in ticks(20)]
    write(tmp_path / "bag", messages)
    state = (STATE[0], "gripper_width=/hand/width:data*0.001")
    assert converting(tmp_path / "bag", tmp_path / "a.zarr", joints, state=state).run() == 0
    found = Demonstrations(tmp_path / "a.zarr")
    np.testing.assert_allclose(found.state[:, 7], width(PERIOD * np.arange(40)), atol=1e-6)
    topics = json.loads((tmp_path / "a.report.json").read_text())["topics"]
    assert topics["/hand/width"]["stamps"] == "receipt"  # it has no header
    for word, said in (
        ("/hand/width", "std_msgs/msg/Float64; say which field of them it is"),
        ("/hand/width:width", "std_msgs/msg/Float64 has no width; it has data"),
    ):
        state = (STATE[0], f"gripper_width={word}")
        with pytest.raises(ConversionError, match=said):
            converting(tmp_path / "bag", tmp_path / "b.zarr", joints, state=state).run()


def test_messages_of_no_use_are_counted(tmp_path, joints, capsys):
    messages = recorded()
    for at in (0.401, 0.402):
        messages.append((ARM_STATES, at, joint_state(at, ARM.joints, [np.nan] * 7)))
    write(tmp_path / "bag", messages)
    assert converting(tmp_path / "bag", tmp_path / "a.zarr", joints).run() == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "2 of 203 messages of /franka/joint_states could not be used, the first at 0.40 s" in printed
    assert "fr3_joint1 = nan" in printed
