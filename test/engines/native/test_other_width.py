"""Engine native with the vectors that this CPU does not choose: 8 numbers where it has 16, and 16 where 8."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sag_ros.engines.cpu.vectors import LANES, VARIABLE

ENGINES = Path(__file__).resolve().parents[1]
OTHER = {8: 16, 16: 8}[LANES]
# A CPU with 16 lanes is taken for one that has 8: what numba compiles, too, then does without AVX-512.
NARROW_CPU = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": ""}
# Together they run every compiled function of the engine: products and convolutions of all sizes; masks,
# rules of reuse, numbers of tokens, layers and frames; cross-attention folded and not; residuals added at
# once and singly; later starts, samples between the steps, estimates.
TESTS = (
    "native/test_packed_matmul.py",
    "native/test_convolution.py",
    "native/test_encoder.py",
    "test_agreement.py::test_masks_and_shapes",
    "savings/test_switches.py::test_exact",
    "test_stateful.py",
)
CHOICE = " or ".join(
    ("packed_matmul", "convolution", "encoder", "native-f32", "(ddpm and (frames-all or frames-none))",
     "from_any_step", "estimates")
)  # fmt: skip
CODE = """
import sys
import pytest
from sag_ros.engines.native.microkernel import LANES, MOST_ROWS, available_forms
assert (LANES, MOST_ROWS) == {8: (8, 6), 16: (16, 14)}[int(sys.argv[1])]
assert available_forms() == ("f32", "widened", "whole") or LANES == 16
sys.exit(pytest.main(["-p", "no:cacheprovider", *sys.argv[2:]]))
"""


@pytest.mark.timeout(400)  # where nothing is compiled yet
def test_other_width():
    environment = {**os.environ, VARIABLE: str(OTHER), **(NARROW_CPU if OTHER == 8 else {})}
    arguments = [str(OTHER), *(str(ENGINES / test) for test in TESTS), "-k", CHOICE, "--timeout", "300"]
    child = subprocess.run(
        [sys.executable, "-c", CODE, *arguments],
        capture_output=True, text=True, env=environment, timeout=390, cwd=ENGINES.parents[1],
    )  # fmt: skip
    assert child.returncode == 0, child.stdout + child.stderr
    assert " passed" in child.stdout.splitlines()[-1]


@pytest.mark.parametrize("asked", ["12", "wide"])
def test_no_other_width_exists(asked):
    child = subprocess.run(
        [sys.executable, "-c", "import sag_ros.engines.native.microkernel"],
        capture_output=True, text=True, env={**os.environ, VARIABLE: asked}, cwd=ENGINES.parents[1],
    )  # fmt: skip
    assert f"ValueError: {VARIABLE} is '{asked}'; it has to be 8 or 16" in child.stderr
