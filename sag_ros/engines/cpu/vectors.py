"""Which CPU the engines' code is compiled for, and how many float32 numbers its vectors hold.

``SAG_ROS_VECTOR_LANES`` = 8 or 16 pins the number: both layouts run on any CPU that has at least the narrower
vectors, where LLVM makes two instructions of one that is too wide. That is for tests, and slower.
"""

from __future__ import annotations

import os

import llvmlite.binding
import numba

VARIABLE = "SAG_ROS_VECTOR_LANES"


def _cpu() -> tuple[str, str]:
    """Name and features to compile for: numba's settings may ask for less than what this machine has."""
    name = numba.config.CPU_NAME or llvmlite.binding.get_host_cpu_name()
    features = numba.config.CPU_FEATURES
    if features is None:
        features = llvmlite.binding.get_host_cpu_features().flatten() if numba.config.CPU_NAME is None else ""
    return name, features


def choose_lanes(has: frozenset[str], asked: str | None) -> int:
    """float32 numbers of a vector: as ``asked``, else 16 where the CPU ``has`` AVX-512 and 8 elsewhere.

    Raises:
        ValueError: neither 8 nor 16 is asked for.
    """
    if not asked:
        return 16 if "avx512f" in has else 8
    if asked not in ("8", "16"):
        raise ValueError(f"{VARIABLE} is {asked!r}; it has to be 8 or 16, or unset for what the CPU has")
    return int(asked)


CPU_NAME, CPU_FEATURES = _cpu()
HAS = frozenset(feature[1:] for feature in CPU_FEATURES.split(",") if feature.startswith("+"))
LANES = choose_lanes(HAS, os.environ.get(VARIABLE))
