import subprocess
import sys
from collections.abc import Iterator
from itertools import islice

import numpy as np
import pytest

from sag_ros.sim.benchmarks.kitchen.expert import ORDERS, draw_style
from sag_ros.sim.benchmarks.kitchen.skills import SKILLS
from sag_ros.sim.benchmarks.kitchen.world import BENCHMARK, TASKS, Kitchen
from sag_ros.sim.benchmarks.protocol import Benchmark, BenchmarkStatus

gymnasium = pytest.importorskip("gymnasium")
pytest.importorskip("gymnasium_robotics")


@pytest.fixture(scope="module")
def kitchen() -> Iterator[Kitchen]:
    kitchen = Kitchen()
    yield kitchen
    kitchen.close()


def trajectory(kitchen: Kitchen, seed: int) -> np.ndarray:
    """(13, 59) observed while the same actions are executed."""
    kitchen.reset(seed)
    observed = [kitchen.observe()]
    for action in np.random.default_rng(7).uniform(-1, 1, (12, 9)):
        kitchen.step(action)
        observed.append(kitchen.observe())
    return np.stack(observed)


def demonstrate(kitchen: Kitchen, seed: int) -> tuple[list[BenchmarkStatus], np.ndarray]:
    """Status after every step until success, and the labels."""
    kitchen.reset(seed)
    statuses, labels = [], []
    demonstration = kitchen.demonstrate(np.random.default_rng(seed))
    for label, executed in demonstration:
        labels.append(label)
        kitchen.step(executed)
        statuses.append(kitchen.status())
        if statuses[-1].success or len(statuses) == kitchen.steps:
            break
    return statuses, np.stack(labels)


def test_is_a_benchmark_with_the_published_sizes(kitchen: Kitchen) -> None:
    benchmark: Benchmark = kitchen
    kitchen.reset(0)
    assert benchmark.name == BENCHMARK.name == "kitchen"
    assert kitchen.observe().shape == (59,) == (sum(size for size, _ in kitchen.parts.values()),)
    assert len(kitchen.setpoints) == 9
    assert kitchen.joint_positions.shape == (len(kitchen.joints),)
    assert kitchen.period == kitchen._kitchen.robot_env.dt
    assert kitchen.steps == gymnasium.spec("FrankaKitchen-v1").max_episode_steps


def test_parts_are_where_they_are_said_to_be(kitchen: Kitchen) -> None:
    kitchen.reset(0)
    ends = np.cumsum([size for size, _ in kitchen.parts.values()])
    observed = dict(zip(kitchen.parts, np.split(kitchen.observe(), ends[:-1]), strict=True))
    data = kitchen._data
    np.testing.assert_allclose(observed["robot_positions"], kitchen.joint_positions, atol=2e-3)
    np.testing.assert_allclose(observed["kettle_position"], data.joint("kettle").qpos[:3], atol=1e-3)
    data.joint("microwave").qpos[0], data.joint("slide_cabinet").qvel[0] = -0.7, 0.3
    data.joint("kettle").qvel[:] = np.arange(6)
    changed = kitchen._kitchen._get_obs(np.zeros(18))["observation"]
    changed = dict(zip(kitchen.parts, np.split(changed, ends[:-1]), strict=True))
    assert changed["microwave_position"] == pytest.approx(-0.7, abs=1e-3)
    assert changed["slide_cabinet_velocity"] == pytest.approx(0.3, abs=1e-3)
    np.testing.assert_allclose(changed["kettle_linear_velocity"], [0, 1, 2], atol=1e-3)
    np.testing.assert_allclose(changed["kettle_angular_velocity"], [3, 4, 5], atol=1e-3)


def test_the_seed_decides_an_episode(kitchen: Kitchen) -> None:
    first = trajectory(kitchen, 3)
    np.testing.assert_array_equal(first, trajectory(kitchen, 3))
    fresh = BENCHMARK(mixed=True)
    assert (fresh.name, fresh.steps) == ("kitchen_mixed", kitchen.steps)
    np.testing.assert_array_equal(first, trajectory(fresh, 3))
    assert (first[0] != trajectory(fresh, 4)[0]).any()
    fresh.close()


def test_the_state_is_the_same_until_the_next_step(kitchen: Kitchen) -> None:
    kitchen.reset(0)
    before = kitchen.observe()
    before[:] = np.nan
    np.testing.assert_array_equal(kitchen.observe(), kitchen.observe())
    assert np.isfinite(kitchen.observe()).all()


@pytest.mark.parametrize("seed", [0, 1])
def test_the_expert_does_all_four(kitchen: Kitchen, seed: int) -> None:
    statuses, labels = demonstrate(kitchen, seed)
    assert statuses[-1].success, statuses[-1].message
    assert statuses[-1].message == "4 of 4 done: microwave, kettle, light switch, slide cabinet"
    assert statuses[-1].conditions == {}
    assert kitchen.settled
    completed = np.array([status.completed for status in statuses])
    assert (np.diff(completed) >= 0).all() and set(completed) == {0, 1, 2, 3, 4}
    assert np.abs(labels).max() <= 1.0


def test_what_is_done_stays_done(kitchen: Kitchen) -> None:
    kitchen.reset(0)
    assert kitchen.status().message == "0 of 4 done"
    door = kitchen._data.joint("microwave")
    door.qpos[0] = -0.75
    kitchen.step(np.zeros(9))
    assert (kitchen.status().completed, kitchen.status().message) == (1, "1 of 4 done: microwave")
    assert not kitchen.settled
    door.qpos[0] = 0.0
    kitchen.step(np.zeros(9))
    assert kitchen.status().completed == 1
    kitchen.reset(0)
    assert kitchen.status().completed == 0


def test_several_people_differ(kitchen: Kitchen) -> None:
    rng = np.random.default_rng(0)
    practised = [draw_style(rng, mixed=False) for _ in range(20)]
    several = [draw_style(rng, mixed=True) for _ in range(20)]
    assert {style.order for style in practised} == {TASKS}
    assert len({style.order for style in several}) > 5
    assert np.std([style.pace for style in several]) > np.std([style.pace for style in practised])


def test_orders_are_of_all_tasks() -> None:
    assert tuple(SKILLS) == TASKS
    assert len(set(ORDERS)) == 24


def test_labels_are_what_is_executed_but_for_smooth_noise(kitchen: Kitchen) -> None:
    kitchen.reset(0)
    pairs = [next(kitchen.demonstrate(np.random.default_rng(seed))) for seed in range(5)]
    for label, executed in pairs:
        assert label.shape == executed.shape == (9,)
        assert 0 < np.abs(executed - label)[:7].max() < 0.5
        np.testing.assert_array_equal(executed[7:], label[7:])


def test_pushes_last_for_a_while(kitchen: Kitchen) -> None:
    kitchen.reset(0)
    off = []
    for label, executed in islice(kitchen.demonstrate(np.random.default_rng(0), 0.1), 80):
        off.append(np.abs(executed - label).max())
        kitchen.step(executed)
    far = np.array(off) > 0.15
    assert 0.1 < far.mean() < 0.9
    assert far.sum() / max(int((far[1:] & ~far[:-1]).sum()), 1) > 2


def test_the_library_is_imported_when_a_kitchen_is_made() -> None:
    code = "import sys, sag_ros.sim.benchmarks.kitchen.world; print('gymnasium' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout.strip() == "False"
