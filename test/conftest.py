"""Settings that must be in place before anything is imported by a test."""

from __future__ import annotations

import os

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
