"""Settings that must be in place before anything is imported by a test."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest
from hypothesis import settings

# Small tensors: more threads only fight with each other and with the tests of other processes.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("MUJOCO_GL", "egl")
os.environ.setdefault("MPLBACKEND", "Agg")
# Triton kernels run on the CPU; asked for when triton is first imported.
os.environ.setdefault("TRITON_INTERPRET", "1")
# No test talks to a robot on the network.
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
os.environ["ROS_PYTHON_CHECK_FIELDS"] = "1"

# The same examples on every run and machine, and none that fails because the machine is busy.
settings.register_profile("deterministic", derandomize=True, deadline=None)
settings.load_profile("deterministic")

# Demonstrations are kept by zarr 3, which needs Python 3.11.
NEED_DEMONSTRATIONS = [
    "data/test_demonstrations.py", "data/test_windows.py", "bench/masks/test_reuse.py",
    "bench/schedules", "train",
]  # fmt: skip
collect_ignore = NEED_DEMONSTRATIONS if sys.version_info < (3, 11) else []

EMULATED_PATIENCE = 300.0  # s: tests of another process may be using the emulated robot


@pytest.fixture(scope="module")
def emulated_fr3(tmp_path_factory):
    """A running emulated FR3 (``Emulator``); skips with the reason where there is none to be had."""
    from sag_ros.fci.emulator import Emulator, Unavailable

    pytest.importorskip("pylibfranka", reason="libfranka's binding is not installed: extra fci")
    try:
        robot = Emulator(tmp_path_factory.mktemp("emulated_fr3") / "log", EMULATED_PATIENCE)
    except Unavailable as reason:
        pytest.skip(str(reason))
    with robot:
        yield robot


class FakeBenchmark:
    """A benchmark without a simulator: one number is moved to a goal."""

    name = "fake"
    period = 0.05
    steps = 20
    joints = ("slide",)
    goal = 1.0

    def __init__(self):
        from sag_ros.sim.benchmarks.protocol import Setpoint

        self.parts = {"object": (1, "m"), "hand": (1, "m")}
        self.setpoints = (Setpoint("x", "m"), Setpoint("grip", "1"))
        self.closed, self.seeds = False, []

    def reset(self, seed):
        self.seeds.append(seed)
        self.at, self.success, self.actions = 0.01 * (seed % 7), False, []

    def observe(self):
        return np.array([self.goal, self.at])

    def step(self, action):
        self.actions.append(np.array(action))
        self.at = float(action[0])
        self.success |= self.settled

    def status(self):
        from sag_ros.sim.benchmarks.protocol import BenchmarkStatus

        return BenchmarkStatus(success=self.success, message=f"at {self.at:.2f}", completed=int(self.success))

    @property
    def settled(self):
        return abs(self.at - self.goal) < 0.05

    @property
    def joint_positions(self):
        return np.array([self.at])

    def demonstrate(self, rng, pushed=0.0):
        at = self.at
        while True:
            at = min(at + 0.1, self.goal)
            wanted = np.array([at, 1.0])
            yield wanted, wanted + np.array([rng.uniform(-0.01, 0.01), 0.0])

    def close(self):
        self.closed = True


@pytest.fixture
def fake_benchmark():
    """A ``Benchmark`` whose state is (goal, position): the first setpoint is where the position is next."""
    return FakeBenchmark()
