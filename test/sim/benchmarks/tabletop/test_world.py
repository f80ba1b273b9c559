from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from sag_ros.sim.benchmarks.registry import make_benchmark
from sag_ros.sim.benchmarks.tabletop.style import Wander
from sag_ros.sim.benchmarks.tabletop.world import _controlled, _disturbed

pytest.importorskip("robosuite")


@pytest.fixture(scope="module")
def lift():
    benchmark = make_benchmark("lift")
    yield benchmark
    benchmark.close()


def play(benchmark, seed, steps):
    benchmark.reset(seed)
    states = []
    for _, executed in islice(benchmark.demonstrate(np.random.default_rng([seed, 1])), steps):
        states.append(benchmark.observe())
        benchmark.step(executed)
    return np.stack(states)


def test_what_is_observed_and_commanded(lift):
    lift.reset(0)
    assert {name: size for name, (size, _) in lift.parts.items()} == {
        "object": 10, "robot0_eef_pos": 3, "robot0_eef_quat": 4, "robot0_gripper_qpos": 2,
    }  # fmt: skip
    assert lift.observe().shape == (19,)  # as in the public code
    assert (len(lift.setpoints), len(lift.joints), lift.joint_positions.shape) == (10, 7, (7,))
    assert (lift.steps, make_benchmark("lift_mixed").steps) == (400, 500)


def test_a_seed_decides_everything(lift):
    first, other = play(lift, 3, 20), play(lift, 4, 20)
    assert (play(lift, 3, 20) == first).all()
    assert np.abs(first[0] - other[0]).max() > 1e-3
    fresh = make_benchmark("lift")
    assert (play(fresh, 3, 20) == first).all()
    fresh.close()


def test_seeding_leaves_the_global_generator_alone(lift):
    np.random.seed(5)  # noqa: NPY002
    expected = np.random.uniform()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    lift.reset(1)
    assert np.random.uniform() == expected  # noqa: NPY002


@pytest.mark.parametrize(("task", "seed"), [("lift", 0), ("can", 1), ("square", 2), ("square_mixed", 3)])
def test_the_expert_succeeds_and_success_latches(task, seed):
    benchmark = make_benchmark(task)
    benchmark.reset(seed)
    assert not benchmark.status().success
    for _, executed in islice(benchmark.demonstrate(np.random.default_rng([seed, 1])), benchmark.steps):
        benchmark.step(executed)
        if benchmark.settled:
            break
    assert benchmark.status().success
    assert benchmark.status().message == "done"
    benchmark.reset(seed)
    assert not benchmark.status().success
    benchmark.close()


def test_the_expert_takes_the_nut_again_where_the_hand_was_pushed_away():
    benchmark = make_benchmark("square")
    benchmark.reset(5)
    off = []
    for wanted, executed in islice(benchmark.demonstrate(np.random.default_rng(5), 0.05), benchmark.steps):
        off.append(np.abs(executed - wanted)[:3].max())
        benchmark.step(executed)
        if benchmark.settled:
            break
    assert max(off) > 0.03
    assert benchmark.status().success
    benchmark.close()


def test_pushes_last_for_a_while_and_are_rare():
    plain, pushed = (Wander(0.003, 1, np.random.default_rng(0), often) for often in (0.0, 0.01))
    assert max(np.abs(plain()).max() for _ in range(2000)) < 0.02
    errors = np.array([np.abs(pushed()).max() for _ in range(5000)])
    far = errors > 0.02
    assert 0.03 < far.mean() < 0.3
    begins = int((far[1:] & ~far[:-1]).sum())
    assert far.sum() / begins > 4


def test_hands_that_point_down_keep_the_sign_of_their_quaternion(lift):
    states = play(lift, 0, 40)
    quaternions = states[:, 13:17]
    assert (quaternions[:, 0] > 0.5).all()
    assert np.abs(np.diff(quaternions, axis=0)).max() < 0.2


def test_setpoints_become_what_the_controller_takes_and_back():
    rng = np.random.default_rng(0)
    wanted = np.concatenate([rng.normal(size=3), 0.7 * rng.normal(size=3), [1.0]])
    error = np.array([[0.1, 0.0, 0.0], [0.0, 0.0, 0.2]])
    label, executed = _disturbed(np.concatenate([wanted, wanted]), error)
    assert label.shape == executed.shape == (20,)
    assert _controlled(label[:10]) == pytest.approx(wanted)
    assert executed - label == pytest.approx(np.eye(20)[0] * 0.1 + np.eye(20)[12] * 0.2)
    # Rows that a policy gave are neither of unit length nor square to each other.
    skewed = label[:10].copy()
    skewed[3:6] *= 1.3
    skewed[6:9] += 0.2 * skewed[3:6]
    assert _controlled(skewed) == pytest.approx(wanted)
