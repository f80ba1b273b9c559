"""Settings that must be in place before anything is imported by a test."""

from __future__ import annotations

import os
import sys

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
