"""Bags and words that cannot be used are told by topic, with what there is and what to do."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

pytest.importorskip("rosbags")

from bag_files import (
    ACTION,
    ARM_STATES,
    CAMERAS,
    DESIRED,
    FRONT,
    HAND,
    HAND_STATES,
    STATE,
    converting,
    image,
    joint_state,
    recorded,
    ticks,
    write,
)

from sag_ros.data.demonstrations import Demonstrations
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.robots.fr3 import ARM
from sag_ros.train.convert.bags.find import find_bags
from sag_ros.train.convert.bags.inputs import Input, Inputs, parse
from sag_ros.train.convert.raw import ConversionError


@pytest.fixture(scope="module")
def bag(tmp_path_factory):
    return write(tmp_path_factory.mktemp("bags") / "bag", recorded(0.5))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"cameras": ("front=/front/image", CAMERAS[1])},
            r"has no topic /front/image; there is /desired \(sensor_msgs/msg/JointState, 26\), .*"
            r"/front/image_raw \(sensor_msgs/msg/Image, 16\)",
        ),
        (
            {"cameras": (f"front={ARM_STATES}", CAMERAS[1])},
            "JointState; pictures are",
        ),
        ({"cameras": CAMERAS[:1]}, "names no key for wrist"),
        (
            {"state": (f"joint_position={HAND_STATES}", STATE[1])},
            "none is about joint_position",
        ),
        (
            {"state": (f"joint_position={FRONT}", STATE[1])},
            "msg/Image; say which field",
        ),
        (
            {"state": (f"joint_position={ARM_STATES}:position[0:3]", STATE[1])},
            "the first at 0.00 s: it has 3 numbers for joint_position; 7 are wanted",
        ),
        (
            {"state": (f"joint_position={ARM_STATES}:posit ion", STATE[1])},
            "'posit ion' is no path",
        ),
        ({"state": STATE[:1]}, "--state names no topic for gripper_width; say gripper_width=/topic"),
        (
            {"state": (*STATE, "place=/a")},
            "'place' is no part; there is joint_position, gripper_width",
        ),
        ({"state": (ARM_STATES,)}, f"{ARM_STATES} is no part=topic; there is joint_position"),
        ({"state": (*STATE, STATE[0])}, "--state names joint_position twice"),
        ({"state": ("joint_position=a b",)}, "say part=topic"),
        (
            {"action": ()},
            "nothing of joint_position: name its topic .* or say joint_position=measured",
        ),
        ({"action": ACTION[:1]}, "--action says nothing of gripper_width"),
        ({"marks": "/marks"}, "has no topic /marks"),
        ({"marks": HAND_STATES}, "mark no episode; .*has no data; it has header"),
        ({"action_rotation": "axis_angle"}, "quaternions x y z w; leave it out"),
    ],
)
def test_words(tmp_path, joints, bag, options, said):
    with pytest.raises(ConversionError, match=said):
        converting(bag, tmp_path / "a.zarr", joints, **options).run()
    assert not (tmp_path / "a.zarr").exists()


def test_a_file_that_is_cut_off(tmp_path, joints, bag):
    file = shutil.copy(next(bag.glob("*.mcap")), tmp_path / "a.mcap")
    content = (tmp_path / "a.mcap").read_bytes()
    for length in (len(content) // 2, len(content) - 10, 40, 0):
        (tmp_path / "a.mcap").write_bytes(content[:length])
        with pytest.raises(ConversionError, match=r"a\.mcap: cannot be read .*`mcap recover`"):
            converting(file, tmp_path / "a.zarr", joints).run()


def test_empty_bags(tmp_path, joints):
    for storage in ("MCAP", "SQLITE3"):
        nothing = write(tmp_path / storage, [], storage)
        with pytest.raises(ConversionError, match="has no topic /franka/joint_states; there is nothing"):
            converting(nothing, tmp_path / "a.zarr", joints).run()
    (tmp_path / "folder").mkdir()
    for source, said in (("folder", "folder: there is no bag"), ("a.bag", "is of ROS 1; `rosbags-convert")):
        with pytest.raises(ConversionError, match=said):
            converting(tmp_path / source, tmp_path / "a.zarr", joints).run()


def test_a_picture_that_cannot_be_decoded(tmp_path, joints, capsys):
    messages = [one for one in recorded() if one[0] != FRONT]
    messages += [(FRONT, at, image(at, 0, "32FC1", 4)) for at in ticks(30)]
    assert converting(write(tmp_path / "bag", messages), tmp_path / "a.zarr", joints).run() == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert "/front/image_raw at 0.00 s: image encoding '32FC1' is not supported; use one of rgb8" in printed


def test_a_hand_that_was_never_commanded_stays_as_it_is(tmp_path, joints):
    """Its topic is there, without a message, as recorders write it."""
    messages = [one for one in recorded() if one[0] != HAND]
    write(tmp_path / "bag", messages, silent={HAND: "sensor_msgs/msg/JointState"})
    assert converting(tmp_path / "bag", tmp_path / "a.zarr", joints).run() == 0
    found = Demonstrations(tmp_path / "a.zarr")
    np.testing.assert_allclose(found.action[:-1, 7], found.state[1:, 7], atol=1e-3)


def test_relative_actions_are_refused(tmp_path, bag):
    bundle = random_bundle(0)
    joints = bundle.contract.model_dump(mode="json")
    for one in joints["action"][:-1]:
        one["meaning"] = "joint_step"
    contract = type(bundle.contract).model_validate(joints)
    with pytest.raises(ConversionError, match="actions of the policy are joint_step"):
        Inputs(contract, ARM, STATE, ACTION)


def test_words_are_parsed():
    assert parse("a=/b/c", "--state") == Input("a", "/b/c")
    assert parse("a=b:c.d,e[0:3]*-1e-3", "--state") == Input("a", "/b", ("c.d", "e[0:3]"), -0.001)
    assert parse("/recording:data", "--marks") == Input("", "/recording", ("data",))
    for word in ("a=", "=b", "a=/b*x", "a=/b*1*2", ""):
        with pytest.raises(ConversionError, match="say part=topic"):
            parse(word, "--state")


def test_bags_are_found_in_the_order_of_their_numbers(tmp_path):
    for name in (
        "e10/metadata.yaml",
        "e10/e10_0.mcap",
        "e2/metadata.yaml",
        "e9.mcap",
        "deep/er/a.db3",
        "b.txt",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [str(one.relative_to(tmp_path)) for one in find_bags(tmp_path)]
    assert found == ["deep/er/a.db3", "e2", "e9.mcap", "e10"]
    assert find_bags(tmp_path / "e9.mcap") == [tmp_path / "e9.mcap"]
    assert find_bags(tmp_path / "b.txt") == find_bags(tmp_path / "nothing") == []


def test_another_robot_in_the_same_topic_is_no_hindrance(tmp_path, joints):
    messages = recorded()
    messages += [(DESIRED, at + 0.001, joint_state(at + 0.001, ["wheel"], [1.0])) for at in ticks(20)]
    assert converting(write(tmp_path / "bag", messages), tmp_path / "a.zarr", joints).run() == 0
