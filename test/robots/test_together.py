"""Several arms that one policy moves, from description and contract to guarded motion."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sag_ros.control.gripper import GripperPlanner
from sag_ros.control.guard.guard import Guard
from sag_ros.control.limits import check
from sag_ros.control.motion import at_rest, of_command
from sag_ros.control.splice import Splicer, SpliceSettings
from sag_ros.control.supervisor import Supervisor
from sag_ros.policy.actions import ActionDecoder
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.policy.state import StateBuilder
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.robots.registry import find_arm, require_joints
from sag_ros.robots.ur5e import ARM as UR5E
from sag_ros.values import ActionChunk

TWO = find_arm("left_fr3+right_fr3")
MIXED = find_arm("left_fr3+right_ur5e")
HANDS = [{"name": f"{side}_gripper", "meaning": "gripper_width", "unit": "m"} for side in ("left", "right")]


def policy(arm):
    action = [{"name": joint, "meaning": "joint_position", "unit": "rad"} for joint in arm.joints]
    return random_bundle(0, joints=list(arm.joints), action=[*action, *HANDS])


def supervisor(arm, now=10.0):
    made = Supervisor(arm)
    made.start(now, arm.home)
    made.on_joint_state(now, arm.home, np.zeros(arm.dof))
    return made


def test_two_arms_are_one_with_all_their_joints_and_hands():
    assert TWO.joints[0] == "left_fr3_joint1"
    assert TWO.joints[13] == "right_fr3_joint7"
    assert TWO.dof == 14
    np.testing.assert_array_equal(TWO.home, np.tile(FR3.home, 2))
    np.testing.assert_array_equal(TWO.limits.envelope.g, np.tile(FR3.limits.envelope.g, 2))
    assert [gripper.joints[0] for gripper in TWO.grippers] == [
        "left_fr3_finger_joint1",
        "right_fr3_finger_joint1",
    ]
    assert [(place, arm.name) for place, arm in TWO.single()] == [
        (slice(0, 7), "left_fr3"),
        (slice(7, 14), "right_fr3"),
    ]


def test_arms_of_different_kinds_keep_each_its_own_limits():
    assert MIXED.dof == 13
    np.testing.assert_array_equal(MIXED.limits.jerk, np.r_[FR3.limits.jerk, UR5E.limits.jerk])
    assert MIXED.overshoot == max(FR3.overshoot, UR5E.overshoot)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("fr3+fr3", "'fr3_joint1' of 'fr3+fr3' is there twice"),
        ("left_fr3+right_panda", "'right_panda' is no arm with a prefix; as left_fr3 of: fr3, ur5e"),
        ("left_fr3+", "'' is no arm"),
    ],
)
def test_what_is_not_several_arms_is_refused(name, said):
    with pytest.raises(ValueError, match=said.replace("+", r"\+")):
        find_arm(name)


def test_where_one_gripper_is_meant_two_are_refused():
    with pytest.raises(ValueError, match="has 2 grippers"):
        _ = TWO.gripper


def test_a_policy_of_two_arms_observes_and_commands_both():
    bundle = policy(TWO)
    contract = bundle.contract
    require_joints(TWO, contract.joints)
    assert (contract.grippers, contract.action_dim, contract.state_dim) == (2, 16, 16)
    own = np.r_[TWO.home, 0.02, 0.07]
    np.testing.assert_array_equal(StateBuilder(contract)(own), own)
    fingers = policy(TWO).contract.model_copy(update={"state": ["gripper_fingers", "joint_position"]})
    np.testing.assert_allclose(StateBuilder(fingers)(own), np.r_[0.01, -0.01, 0.035, -0.035, TWO.home])
    scale, offset = (v.double().numpy() for v in bundle.normaliser.vectors("action"))
    wanted = np.random.default_rng(0).uniform(0.0, 0.08, (contract.action_steps, 16))
    features = np.zeros((contract.observation_steps, contract.obs_dim), np.float32)
    chunk = ActionDecoder(contract, bundle.normaliser)(2.0, wanted * scale + offset, features)
    np.testing.assert_allclose(chunk.positions, wanted[:, :14], atol=1e-12)
    np.testing.assert_allclose(chunk.gripper, wanted[:, 14:], atol=1e-12)


@given(seed=st.integers(0, 2**32 - 1), size=st.sampled_from([0.01, 0.1, 0.5, 2.0]))
@settings(max_examples=30, deadline=None)
@pytest.mark.parametrize("arm", [TWO, MIXED], ids=["alike", "mixed"])
def test_no_command_breaks_a_limit_of_either_arm(arm, seed, size):
    rng, guarded, now = np.random.default_rng(seed), supervisor(arm), 10.0
    for _ in range(4):
        steps = size * rng.standard_normal((8, arm.dof)) * 0.05 * arm.limits.velocity
        positions = arm.home + np.cumsum(steps, axis=0)
        chunk = ActionChunk(now, 0.05, positions, np.full((8, 2), 0.04))
        now += 0.02
        guarded.on_joint_state(now, arm.home, np.zeros(arm.dof))
        command = guarded.on_chunk(chunk, now)
        if command is not None:
            assert check(command, arm.limits) == []
            assert (command.velocity[-1] == 0.0).all()


def test_an_arm_that_is_asked_too_much_does_not_bend_the_motion_of_the_other():
    """The left arm is commanded faster than it may go, and the guard changes nothing of the right one."""
    guard = Guard.of(TWO)
    slope = np.linspace(0.01, 0.08, 8)[:, None]
    positions = np.hstack([FR3.home + 4.5 * slope, FR3.home + 0.5 * slope])
    chunk = ActionChunk(10.0, 0.05, positions, np.full((8, 2), 0.04))
    motion = of_command(at_rest(10.0, TWO.home))
    wanted = Splicer(guard.limits, SpliceSettings(), TWO.limits).splice(motion, chunk, 10.01).command
    command, found = guard(wanted)
    assert {violation.joint // 7 for violation in found} == {0}
    assert check(command, TWO.limits) == []
    motion = of_command(command)
    kept = np.array([motion.at(time)[0] for time in wanted.time])
    np.testing.assert_allclose(kept[:, 7:], wanted.position[:, 7:], atol=1e-9)
    assert np.abs(kept[:, :7] - wanted.position[:, :7]).max() > 1e-6


def test_the_tip_of_each_arm_is_watched():
    slow = replace(TWO, members=(TWO.members[0], replace(TWO.members[1], tip_speed=0.01)))
    guarded = supervisor(slow)
    positions = np.tile(slow.home, (8, 1)) + 0.03 * np.arange(1, 9)[:, None]
    assert guarded.on_chunk(ActionChunk(10.0, 0.05, positions, np.full((8, 2), 0.04)), 10.01) is None
    violation = guarded.status().violations[0]
    assert violation.kind == "tip_speed"
    assert "right_fr3" in violation.message


def test_each_hand_gets_its_own_widths():
    widths = np.column_stack([np.full(8, 0.08), np.full(8, 0.01)])
    chunk = ActionChunk(0.0, 0.05, np.tile(TWO.home, (8, 1)), widths)
    left, right = (GripperPlanner(gripper, number=i) for i, gripper in enumerate(TWO.grippers))
    assert left.on_chunk(chunk, 0.0) is None
    goal = right.on_chunk(chunk, 0.0)
    assert goal is not None
    assert goal.grasp
