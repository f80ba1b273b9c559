"""States, refusals, stops and counters of the supervisor, with a clock of our own."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from sag_ros.control.limits import check
from sag_ros.control.motion import of_command
from sag_ros.control.reach.kinematics import forward
from sag_ros.control.states import State, SupervisorSettings
from sag_ros.control.supervisor import Supervisor
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.values import ActionChunk, JointCommand, PoseChunk

ZERO = np.zeros(7)


def chunk(stamp: float, speed: float = 0.3, origin: float = 10.0) -> ActionChunk:
    times = stamp + 0.05 * np.arange(1, 9)
    return ActionChunk(stamp, 0.05, FR3.home + speed * (times - origin)[:, None] * np.ones(7), np.zeros(8))


def started(now: float = 10.0, **settings: float) -> Supervisor:
    supervisor = Supervisor(FR3, SupervisorSettings(**settings))
    supervisor.start(now, FR3.home)
    supervisor.on_joint_state(now, FR3.home, ZERO)
    return supervisor


def running(now: float = 10.1) -> tuple[Supervisor, JointCommand]:
    supervisor = started()
    supervisor.on_joint_state(now, FR3.home, ZERO)
    command = supervisor.on_chunk(chunk(now - 0.04), now)
    assert command is not None
    return supervisor, command


def follow(supervisor: Supervisor, command: JointCommand, now: float) -> None:
    q, v, _ = of_command(command).at(now)
    supervisor.on_joint_state(now, q, v)


def test_life() -> None:
    supervisor = Supervisor(FR3)
    assert supervisor.status().state is State.INACTIVE
    with pytest.raises(RuntimeError, match="never started"):
        supervisor.stop(9.0)
    assert supervisor.on_chunk(chunk(9.0), 9.04) is None
    supervisor.start(10.0, FR3.home)
    assert supervisor.status().state is State.WAITING
    assert supervisor.tick(10.5) is None
    supervisor.on_joint_state(10.58, FR3.home, ZERO)
    assert supervisor.on_chunk(chunk(10.56, origin=10.6), 10.6) is not None
    assert supervisor.status().state is State.RUNNING
    stop = supervisor.stop(10.7)
    assert supervisor.status().state is State.STOPPING
    assert supervisor.on_chunk(chunk(10.7), 10.72) is None
    supervisor.tick(float(stop.time[-1]) + 0.01)
    assert supervisor.status().state is State.INACTIVE
    np.testing.assert_array_equal(supervisor.stop(12.0).position[-1], stop.position[-1])


def test_commands_begin_with_what_is_executed_and_end_at_rest() -> None:
    supervisor, first = running(10.1)
    follow(supervisor, first, 10.12)
    second = supervisor.on_chunk(chunk(10.08), 10.12)
    assert second is not None
    assert second.time[0] <= 10.12 + 1e-9
    before = of_command(first)
    for k in range(2):
        np.testing.assert_allclose(second.position[k], before.at(second.time[k])[0], atol=1e-9)
        np.testing.assert_allclose(second.velocity[k], before.at(second.time[k])[1], atol=1e-9)
    assert not second.velocity[-1].any()
    assert check(second, FR3.limits) == []


def test_stale_observations_end_in_a_smooth_stop_and_a_hold() -> None:
    supervisor, command = running(10.1)
    now, stop = 10.1, None
    while stop is None:
        now += 0.01
        follow(supervisor, command, now)
        stop = supervisor.tick(now)
        assert now < 10.5
    assert now - 10.06 == pytest.approx(0.25, abs=0.011)
    status = supervisor.status()
    assert status.state is State.STOPPING
    assert "observation" in status.reason
    assert status.stops == 1
    assert check(stop, FR3.limits) == []
    assert not stop.velocity[-1].any()
    assert stop.time[-1] < command.time[-1]
    np.testing.assert_allclose(stop.position[0], of_command(command).at(stop.time[0])[0], atol=1e-9)
    now = float(stop.time[-1])
    assert supervisor.tick(now) is None
    assert supervisor.status().state is State.HOLDING

    follow(supervisor, stop, now + 0.02)  # a good chunk resumes
    assert supervisor.on_chunk(chunk(now - 0.02), now + 0.02) is not None
    assert supervisor.status().state is State.RUNNING


def test_stale_joint_states_stop_the_arm_and_refuse_chunks() -> None:
    supervisor, _ = running(10.1)
    assert supervisor.on_chunk(chunk(10.2), 10.22) is None
    stop = supervisor.tick(10.22)
    assert stop is not None
    assert "joint_state" in supervisor.status().reason


def test_watched_cameras() -> None:
    supervisor = Supervisor(FR3, sensors=["camera front"])
    supervisor.start(10.0, FR3.home)
    supervisor.on_joint_state(10.1, FR3.home, ZERO)
    assert supervisor.on_chunk(chunk(10.06), 10.1) is None
    assert "camera front" in supervisor.status().violations[0].message
    supervisor.on_sensor("camera front", 10.09)
    assert supervisor.on_chunk(chunk(10.06), 10.1) is not None


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (chunk(9.99), "stale"),  # of before the start
        (chunk(9.0), "stale"),
        (chunk(10.5), "stale"),  # from the future
        (dataclasses.replace(chunk(10.06), positions=np.full((8, 7), np.nan)), "non_finite"),
        (dataclasses.replace(chunk(10.06), positions=np.tile(FR3.home + 0.7, (8, 1))), "jump"),
    ],
)
def test_refused_chunks_change_nothing(bad: ActionChunk, kind: str) -> None:
    supervisor = started()
    supervisor.on_joint_state(10.1, FR3.home, ZERO)
    assert supervisor.on_chunk(bad, 10.1) is None
    status = supervisor.status()
    assert (status.state, status.refused, status.chunks) == (State.WAITING, 1, 0)
    assert status.violations[0].kind == kind
    assert supervisor.on_chunk(chunk(10.06), 10.1) is not None


def test_an_older_observation_never_follows_a_newer_one() -> None:
    supervisor, _ = running(10.1)
    assert supervisor.on_chunk(chunk(10.05), 10.12) is None
    assert "older" in supervisor.status().violations[0].message


def test_an_arm_that_does_not_follow_is_a_fault() -> None:
    supervisor, _ = running(10.1)
    supervisor.on_joint_state(10.12, FR3.home + 0.5, ZERO)
    assert supervisor.on_chunk(chunk(10.1), 10.12) is None
    stop = supervisor.tick(10.12)
    assert stop is not None
    for now in (10.14, 10.16):  # it still does not follow; there is one stop all the same
        supervisor.on_joint_state(now, FR3.home + 0.5, ZERO)
        assert supervisor.tick(now) is None
    supervisor.tick(float(stop.time[-1]))
    status = supervisor.status()
    assert status.stops == 1
    assert status.state is State.FAULT
    assert "then resume" in status.reason
    assert supervisor.on_chunk(chunk(10.2), 10.24) is None
    supervisor.start(11.0, FR3.home)
    assert supervisor.status().state is State.WAITING


def faulty(now: float = 10.12) -> tuple[Supervisor, float]:
    """A supervisor in a fault, and when it is over."""
    supervisor, _ = running(10.1)
    stop = supervisor.fault(now, "somebody said so")
    assert stop is not None
    assert supervisor.fault(now + 0.01, "once more") is None
    rest = float(stop.time[-1]) + 0.01
    assert "stopping" in supervisor.resume(now + 0.02)
    supervisor.tick(rest)
    assert supervisor.status().state is State.FAULT
    return supervisor, rest


def test_a_fault_waits_for_resume_and_goes_on_from_where_the_arm_is() -> None:
    supervisor, now = faulty()
    assert "joint_state is" in supervisor.resume(now + 1.0)  # what was seen last is old
    elsewhere = FR3.home + 0.4
    supervisor.on_joint_state(now, elsewhere, ZERO + 0.2)
    assert "0.20 rad/s" in supervisor.resume(now)
    supervisor.on_joint_state(now + 0.01, elsewhere, ZERO)
    assert supervisor.on_chunk(chunk(now - 0.02), now + 0.01) is None
    assert supervisor.resume(now + 0.01) == ""
    supervisor.on_joint_state(now + 0.02, elsewhere, ZERO)
    stale = ActionChunk(now, 0.05, np.tile(elsewhere, (8, 1)), np.zeros(8))
    assert supervisor.on_chunk(stale, now + 0.02) is None  # seen before it was told to resume
    command = supervisor.on_chunk(dataclasses.replace(stale, stamp=now + 0.015), now + 0.03)
    assert command is not None
    np.testing.assert_allclose(command.position[0], elsewhere)
    assert "running" in supervisor.resume(now + 0.04)


def test_resume_goes_on_from_what_the_controller_holds() -> None:
    """An arm rests a little beside its command; the step to where it is would be felt."""
    supervisor, command = running(10.1)
    follow(supervisor, command, 10.12)
    stop = supervisor.fault(10.12, "somebody said so")
    assert stop is not None
    now = float(stop.time[-1]) + 0.5
    supervisor.tick(now)
    for back in (0.01, 0.0):
        supervisor.on_joint_state(now - back, stop.position[-1] + 0.004, ZERO)
    assert supervisor.resume(now) == ""
    supervisor.on_joint_state(now + 0.02, stop.position[-1] + 0.004, ZERO)
    held = ActionChunk(now + 0.01, 0.05, np.tile(stop.position[-1], (8, 1)), np.zeros(8))
    going_on = supervisor.on_chunk(held, now + 0.03)
    assert going_on is not None
    np.testing.assert_allclose(going_on.position[0], stop.position[-1], atol=1e-12)


def test_a_start_beside_the_last_command_goes_on_from_it() -> None:
    supervisor, command = running(10.1)
    follow(supervisor, command, 10.12)
    held = supervisor.stop(10.12).position[-1]
    for off, expected in ((0.004, held), (0.02, held + 0.02)):
        supervisor.start(20.0, held + off)
        np.testing.assert_allclose(supervisor.stop(20.0).position[-1], expected, atol=1e-9)


def test_resume_needs_a_place_inside_the_limits() -> None:
    supervisor, now = faulty()
    supervisor.on_joint_state(now, FR3.limits.upper + 0.01, ZERO)
    assert "outside" in supervisor.resume(now)


def test_after_a_hold_only_what_was_seen_since_counts() -> None:
    supervisor, command = running(10.1)
    follow(supervisor, command, 10.2)
    assert supervisor.hold(10.2, "a deadman") is not None
    follow(supervisor, command, 10.22)
    assert supervisor.on_chunk(chunk(10.19), 10.22) is None
    assert "before the hold" in supervisor.status().violations[0].message
    assert supervisor.on_chunk(chunk(10.205), 10.23) is not None


def test_an_arm_that_was_moved_while_it_was_held_needs_to_be_told() -> None:
    supervisor, command = running(10.1)
    follow(supervisor, command, 10.2)
    stop = supervisor.hold(10.2, "a deadman")
    assert stop is not None
    now = float(stop.time[-1]) + 0.02
    supervisor.tick(now)
    supervisor.on_joint_state(now, stop.position[-1] + np.eye(7)[2] * 0.06, ZERO)
    assert supervisor.on_chunk(chunk(now - 0.01), now) is None
    status = supervisor.status()
    assert "joint 3 is 0.060 rad from where it is held" in status.violations[0].message
    assert status.reason == status.violations[0].message
    assert supervisor.resume(now) == ""


def held_unseen(off: float, seen: float) -> tuple[Supervisor, float]:
    """A supervisor that held as joint states did not come, and sees the arm again ``seen`` s later."""
    supervisor, command = running(10.1)
    follow(supervisor, command, 10.12)
    stop = supervisor.tick(10.23)
    assert stop is not None
    assert "joint_state" in supervisor.status().reason
    now = 10.23 + seen
    q, v, _ = of_command(stop).at(now)
    for back in (0.01, 0.0):
        supervisor.on_joint_state(now - back, q + off * np.eye(7)[2], v)
    return supervisor, now


def test_a_command_never_begins_where_the_arm_may_not_be() -> None:
    """What does not report may not hear: after a second without joint states the arm is elsewhere."""
    supervisor, now = held_unseen(0.4, 1.0)
    assert supervisor.tick(now) is None  # no stop from where it is not
    status = supervisor.status()
    assert status.state is State.FAULT
    assert "0.400 rad from its command" in status.reason
    assert supervisor.resume(now) == ""


def test_after_a_gap_it_has_to_be_nearer() -> None:
    supervisor, now = held_unseen(0.015, 1.0)
    supervisor.tick(now)
    assert supervisor.on_chunk(chunk(now - 0.01), now) is None
    assert "0.015 rad from where it is held, allowed 0.01 rad after a gap" in supervisor.status().reason
    supervisor, now = held_unseen(0.002, 1.0)
    supervisor.tick(now)
    assert supervisor.on_chunk(chunk(now - 0.01), now) is not None


def test_after_a_gap_it_goes_on_from_rest_alone() -> None:
    supervisor, now = held_unseen(0.0, 0.02)
    assert supervisor.status().state is State.STOPPING
    assert supervisor.on_chunk(chunk(now), now) is None
    assert "from rest" in supervisor.status().reason


def test_a_fault_while_it_comes_to_rest_puts_nothing_off() -> None:
    supervisor, _ = running(10.1)
    stop = supervisor.hold(10.2, "a deadman")
    assert stop is not None
    assert supervisor.fault(10.21, "somebody") is None
    assert supervisor.status().state is State.STOPPING
    supervisor.tick(float(stop.time[-1]) + 0.01)
    assert supervisor.status().state is State.FAULT
    assert supervisor.status().reason == "somebody"


def test_late_joint_states_are_compared_with_what_was_executed_then() -> None:
    supervisor, command = running(10.1)
    motions = [of_command(command)]
    for k in range(30):
        now = 10.12 + 0.02 * k
        stamp = max(now - 0.06, 10.1)  # the newest command may begin after that
        then = next((m for m in reversed(motions) if m.start <= stamp), motions[0])
        supervisor.on_joint_state(stamp, *then.at(stamp)[:2])
        command = supervisor.on_chunk(chunk(now - 0.03, speed=1.0), now)
        assert command is not None
        motions.append(of_command(command))
        assert supervisor.tick(now) is None
    assert np.abs(of_command(command).at(now + 0.02)[1]).max() > 0.5
    assert supervisor.status().off < 1e-9


def test_an_arm_that_stays_a_little_behind_is_a_fault() -> None:
    supervisor = started(observation_age=2.0)
    supervisor.on_joint_state(10.1, FR3.home, ZERO)
    command = supervisor.on_chunk(chunk(10.06), 10.1)
    assert command is not None
    motion = of_command(command)
    for k in range(30):
        now = 10.1 + 0.01 * k
        q, v, _ = motion.at(now)
        supervisor.on_joint_state(now, q + 0.07 * np.eye(7)[1], v)
        if supervisor.tick(now) is not None:
            break
    assert k in (15, 16)
    assert "joint 2 is 0.070 rad from its command for 0.1" in supervisor.status().reason


def test_two_sources_of_joint_states_are_a_fault_that_says_so() -> None:
    supervisor, _ = running(10.1)
    for k in range(6):
        supervisor.on_joint_state(10.11 + 0.004 * k, FR3.home + 0.1 * (k % 2), ZERO)
    assert supervisor.tick(10.14) is not None
    assert "two sources" in supervisor.status().reason


def test_counters() -> None:
    supervisor, command = running(10.1)  # its first action was for 10.11: too late
    assert supervisor.status().late_steps == 1
    follow(supervisor, command, 10.12)
    jerky = chunk(10.08)
    jerky.positions[4, 2] += 0.2
    command = supervisor.on_chunk(jerky, 10.12)
    status = supervisor.status()
    assert (status.chunks, status.clipped, status.deadline_misses) == (2, 1, 0)
    assert {violation.joint for violation in status.violations} == {2}
    for now in (10.16, 10.18, 10.2):
        follow(supervisor, command, now)
        supervisor.tick(now)
    assert supervisor.status().deadline_misses == 1  # one late chunk is one miss
    supervisor.on_chunk(chunk(10.18), 10.22)
    assert supervisor.status().deadline_misses == 1


def test_malformed_joint_states_are_not_fresh() -> None:
    supervisor = Supervisor(FR3)
    supervisor.start(10.0, FR3.home)
    supervisor.on_joint_state(10.1, np.full(7, np.nan), ZERO)
    supervisor.on_joint_state(10.1, FR3.home[:6], ZERO[:6])
    assert supervisor.on_chunk(chunk(10.06), 10.1) is None


def test_the_end_of_the_last_chunk_is_a_hold() -> None:
    supervisor = started(observation_age=5.0)
    supervisor.on_joint_state(10.1, FR3.home, ZERO)
    command = supervisor.on_chunk(chunk(10.06), 10.1)
    end = float(command.time[-1])
    follow(supervisor, command, end)
    assert supervisor.tick(end) is None
    assert supervisor.status().state is State.HOLDING


def test_hold_on_request() -> None:
    supervisor, _ = running(10.1)
    stop = supervisor.hold(10.12, "deadman released")
    assert stop is not None
    assert supervisor.status().reason == "deadman released"
    assert supervisor.hold(10.13, "again") is None


def test_a_start_outside_the_limits_is_refused() -> None:
    with pytest.raises(ValueError, match="outside the limits"):
        Supervisor(FR3).start(0.0, FR3.limits.upper + 0.1)
    with pytest.raises(ValueError, match="finite"):
        Supervisor(FR3).start(0.0, FR3.home[:6])


def test_status_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Supervisor(FR3).status().chunks = 3


def test_settings_may_change_while_it_runs_but_not_what_it_is_built_from() -> None:
    supervisor, command = running(10.1)
    settings = supervisor.settings
    supervisor.reconfigure(dataclasses.replace(settings, observation_age=0.05, deadline=1.0))
    follow(supervisor, command, 10.18)
    assert supervisor.tick(10.18) is not None  # its observation is 0.12 s old
    assert "allowed 0.050 s" in supervisor.status().reason
    for wrong in (
        {"limit_factor": 0.5},
        {"position_margin": 0.1},
        {"splice": dataclasses.replace(settings.splice, step=0.02)},
    ):
        with pytest.raises(ValueError, match="cannot be changed"):
            supervisor.reconfigure(dataclasses.replace(supervisor.settings, **wrong))
    with pytest.raises(ValueError, match="positive"):
        supervisor.reconfigure(dataclasses.replace(supervisor.settings, camera_age=0.1, joint_state_age=-1.0))


# Poses ---------------------------------------------------------------------------------------------------


def poses(stamp: float, far: float = 0.0) -> PoseChunk:
    """Where the tool is at home, and from there ``far`` m a second forward."""
    position, rotation = forward(FR3.chain, FR3.home)
    times = stamp + 0.05 * np.arange(1, 9)
    positions = position + far * (times - stamp)[:, None] * np.array([1.0, 0.0, 0.0])
    return PoseChunk(
        stamp, 0.05, positions, np.repeat(rotation[None], 8, axis=0), np.zeros(8), "no", "base",
        np.array(FR3.home),
    )  # fmt: skip


def test_a_chunk_of_poses_is_followed_by_the_tool() -> None:
    supervisor = started()
    supervisor.on_joint_state(10.1, FR3.home, ZERO)
    command = supervisor.on_chunk(poses(10.06, far=0.1), 10.1)
    assert command is not None
    assert check(command, FR3.limits) == []
    begin, end = (forward(FR3.chain, command.position[i])[0] for i in (0, -1))
    np.testing.assert_allclose(begin, forward(FR3.chain, FR3.home)[0], atol=1e-9)
    moved = end - begin
    assert 0.02 < moved[0] < 0.06
    np.testing.assert_allclose(moved[1:], 0.0, atol=1e-2)
    assert supervisor.status().violations == ()


def test_poses_out_of_reach_are_refused_and_nothing_moves() -> None:
    supervisor = started()
    supervisor.on_joint_state(10.1, FR3.home, ZERO)
    assert supervisor.on_chunk(poses(10.06, far=8.0), 10.1) is None
    status = supervisor.status()
    assert (status.refused, status.violations[0].kind) == (1, "unreachable")
    assert "out of reach" in status.violations[0].message
    assert supervisor.on_chunk(poses(10.08, far=0.1), 10.12) is not None
