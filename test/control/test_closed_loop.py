"""Supervisor and trajectory controller together, on noisy chunks of a moving reference."""

from __future__ import annotations

import numpy as np
import pytest

from sag_ros.control.limits import check
from sag_ros.control.supervisor import Supervisor
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.sim.trajectory_controller import JointTrajectoryController
from sag_ros.values import ActionChunk

START = 1.7e9 + 0.0123  # stamps as large as those of a robot
AMPLITUDE = np.array([0.3, -0.3, 0.3, -0.3, 0.25, -0.3, 0.25])
TRANSPORT = 0.002  # s, from publishing to the controller


def reference(t: np.ndarray | float, frequency: float) -> np.ndarray:
    # Starts at rest, then a sine.
    s = np.clip((np.asarray(t)[..., None] - START) / 1.5, 0.0, 1.0)
    return FR3.home + AMPLITUDE * s**3 * np.sin(2.0 * np.pi * frequency * (np.asarray(t)[..., None] - START))


def run(duration: float, frequency: float, noise: float, seed: int = 0):
    """Time, set points of the controller at 1 kHz, and the supervisor after a run."""
    rng = np.random.default_rng(seed)
    supervisor = Supervisor(FR3)
    controller = JointTrajectoryController(FR3.home)
    supervisor.start(START, FR3.home)
    times, points = [], []
    pending: list[tuple[float, object]] = []
    for k in range(int(duration / 0.02)):
        now = START + 0.02 * k + 0.001 * rng.random()
        q, v, _ = controller.sample(START + 0.02 * k)
        supervisor.on_joint_state(now - 0.001, q, v)
        age = 0.025 + 0.02 + 0.003 * rng.random()
        stamp = now - age
        if stamp > START:
            ahead = stamp + 0.05 * np.arange(1, 9)
            drift = noise * (rng.standard_normal(7) + 2.0 * rng.standard_normal(7) * (ahead - stamp)[:, None])
            positions = reference(ahead, frequency) + drift + 0.5 * noise * rng.standard_normal((8, 7))
            command = supervisor.on_chunk(ActionChunk(stamp, 0.05, positions, np.zeros(8)), now)
            if command is not None:
                assert check(command, FR3.limits) == []
                pending.append((now + TRANSPORT, command))
        assert supervisor.tick(now) is None
        for arrival, command in pending:
            assert controller.accept(command, arrival)
        pending.clear()
        stretch = START + 0.02 * k + 0.001 * np.arange(3, 23)
        points.append(np.stack(controller.sample_many(stretch)))
        times.append(stretch)
    return np.concatenate(times), np.concatenate(points, axis=1), supervisor


@pytest.mark.parametrize(("frequency", "noise"), [(0.3, 0.003), (0.5, 0.003), (0.8, 0.001)])
def test_noisy_chunks_are_followed_smoothly_and_without_lag(frequency: float, noise: float) -> None:
    times, (q, v, a), supervisor = run(6.0, frequency, noise)
    status = supervisor.status()
    assert (status.refused, status.deadline_misses, status.stops) == (0, 0, 0)
    assert status.chunks > 290

    # Executed at 1 kHz: smooth, and one motion across all splices.
    np.testing.assert_allclose(np.diff(q, axis=0) / 0.001, 0.5 * (v[1:] + v[:-1]), atol=2e-3)
    np.testing.assert_allclose(np.diff(v, axis=0) / 0.001, 0.5 * (a[1:] + a[:-1]), atol=0.5)
    assert (np.abs(np.diff(a, axis=0)) / 0.001 < FR3.limits.jerk).all()
    assert (np.abs(a) < FR3.limits.acceleration).all()
    lower, upper = FR3.limits.velocity_bounds(q)
    assert ((v >= lower) & (v <= upper)).all()

    steady = times > START + 2.0
    wanted = reference(times[steady], frequency)
    error = q[steady] - wanted
    assert np.sqrt((error**2).mean()) < 1.0 * noise
    assert np.abs(error).max() < 4.0 * noise + 0.002
    slope = np.gradient(wanted, 0.001, axis=0)
    lag = -(error * slope).sum() / (slope**2).sum()
    assert abs(lag) < 0.006


def test_the_arm_comes_to_rest_by_itself_when_the_policy_dies() -> None:
    times, (_, v, _), supervisor = run(2.0, 0.5, 0.003)
    assert np.abs(v[-1]).max() > 0.3
    controller = JointTrajectoryController(FR3.home)
    now = float(times[-1])
    state = None
    # The last command alone, without a tick of the watchdog.
    command = supervisor.stop(now)
    assert controller.accept(command, now)
    state = controller.sample(now + 3.0)
    assert not state[1].any()


def test_a_reference_faster_than_the_arm_is_clipped_not_followed() -> None:
    # Its peaks ask for 10.7 rad/s^2.
    times, (q, v, a), supervisor = run(3.0, 0.95, 0.003)
    status = supervisor.status()
    assert status.clipped > 10
    assert status.stops == 0
    assert (np.abs(a) <= FR3.limits.acceleration * 1.001).all()
    lower, upper = FR3.limits.velocity_bounds(q)
    assert ((v >= lower - 1e-3) & (v <= upper + 1e-3)).all()
    assert np.abs(q - reference(times, 0.95)).max() < 0.1
