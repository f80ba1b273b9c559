"""An arm of any number of joints, from description to guarded motion."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sag_ros.control.guard.guard import guard_limits
from sag_ros.control.limits import check
from sag_ros.control.motion import of_command
from sag_ros.control.supervisor import Supervisor
from sag_ros.robots.arm import Arm, Gripper
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.robots.limits import JointLimits, VelocityEnvelope
from sag_ros.robots.registry import ARMS, find_arm, require_joints
from sag_ros.values import ActionChunk, frozen


def arm_of(joints: int) -> Arm:
    """An arm whose maker publishes no envelope."""
    lower, upper = frozen(np.full(joints, -2.0)), frozen(np.full(joints, 2.0))
    acceleration = frozen(np.full(joints, 8.0))
    return Arm(
        name=f"arm{joints}",
        joints=tuple(f"joint_{i}" for i in range(joints)),
        home=frozen(np.zeros(joints)),
        limits=JointLimits(
            lower,
            upper,
            velocity=frozen(np.full(joints, 3.0)),
            acceleration=acceleration,
            jerk=frozen(np.full(joints, 4000.0)),
            envelope=VelocityEnvelope.braking(lower, upper, acceleration),
        ),
        grippers=(Gripper(("finger",), 0.1, 0.1, 50.0, 100.0),),
        model="none.xml",
        controller="controller",
        guard_deceleration=6.0,
    )


@pytest.mark.parametrize("joints", [1, 6, 7, 14])
def test_the_guard_follows_a_policy_on_any_number_of_joints(joints):
    arm = arm_of(joints)
    supervisor = Supervisor(arm)
    supervisor.start(10.0, arm.home)
    supervisor.on_joint_state(10.0, arm.home, np.zeros(joints))
    reach = np.linspace(0.2, 0.4, joints)
    positions = arm.home + reach * np.linspace(0.1, 1.0, 8)[:, None]
    command = supervisor.on_chunk(ActionChunk(10.0, 0.1, positions, np.zeros(8)), 10.01)
    assert command is not None
    assert command.position.shape[1] == joints
    assert check(command, arm.limits) == []
    np.testing.assert_allclose(of_command(command).at(10.8)[0], arm.home + reach, atol=0.02)


def test_a_braking_envelope_is_zero_at_the_bounds_and_lets_every_speed_stop():
    limits = arm_of(2).limits
    assert (limits.velocity_bounds(limits.upper)[1] == 0.0).all()
    q = np.linspace(limits.lower, limits.upper, 101)
    speed = limits.velocity_bounds(q)[1]
    assert (speed**2 / (2 * limits.acceleration) <= limits.upper - q + 1e-12).all()
    assert speed.max() == 3.0
    tighter = guard_limits(arm_of(2)).velocity_bounds(q)[1]
    assert (tighter <= 0.95 * speed + 1e-12).all()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"joints": ("a", "b")}, "2 joints, a home of 7"),
        ({"home": np.zeros(6)}, "home of 6"),
        ({"home": FR3.home + 9.0}, "outside its limits"),
    ],
)
def test_descriptions_that_contradict_themselves_are_refused(changes, text):
    with pytest.raises(ValueError, match=text):
        replace(FR3, **changes)
    with pytest.raises(ValueError, match=r"limits of 7 joints.*velocity"):
        replace(FR3.limits, velocity=np.ones(3))


def test_arms_are_found_by_name_and_by_joints():
    assert find_arm("fr3") is FR3 is ARMS["fr3"]
    with pytest.raises(ValueError, match=r"'panda' does not exist; available: .*fr3"):
        find_arm("panda")
    require_joints(FR3, list(FR3.joints))
    with pytest.raises(ValueError, match=r"the policy moves joint_0.*'fr3' has fr3_joint1.*describe its arm"):
        require_joints(FR3, arm_of(1).joints)
    with pytest.raises(ValueError, match="set arm: fr3"):
        require_joints(arm_of(2), FR3.joints)


@pytest.mark.parametrize("name", ARMS)
def test_every_arm_is_described_in_the_file_of_its_name_with_a_model(name):
    from sag_ros.sim.scene import ASSETS, load_scene

    arm = ARMS[name]
    assert arm.name == name
    assert (ASSETS / arm.model).is_file()
    scene = load_scene("pick_release", arm)
    assert len(scene.arm_qpos) == arm.dof
    for site in ("tcp", "flange"):
        assert scene.model.site(site).id >= 0
    ranges = scene.model.jnt_range[[scene.model.joint(joint).id for joint in arm.joints]]
    np.testing.assert_allclose(ranges, np.stack((arm.limits.lower, arm.limits.upper), axis=1), atol=1e-4)
