"""Compiles the kernels of the engines."""

from __future__ import annotations

from pathlib import Path

from sag_ros.compiled import Compiler
from sag_ros.engines.cpu.vectors import LANES

# Sums may be reordered, so that they use vector instructions; not-a-number keeps its meaning. The number of
# lanes is a constant to compiled code, and numba's key knows the CPU, not what is asked of it.
kernel = Compiler(Path(__file__).parents[1], key=str(LANES), fastmath={"reassoc", "contract", "arcp", "nsz"})
