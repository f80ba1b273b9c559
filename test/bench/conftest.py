"""Makes the helpers beside the tests importable, and those beside the engines' tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "engines")]


@pytest.fixture(scope="session", autouse=True)
def rounding():
    """Kernels round as on a GPU."""
    from gpu_rounding import round_as_a_gpu

    round_as_a_gpu()
