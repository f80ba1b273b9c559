"""How the numeric loops of the control path are compiled."""

from __future__ import annotations

from pathlib import Path

from sag_ros.compiled import Compiler

# A Python loop over joints and samples would cost more than everything else of the path, numpy not much less.
kernel = Compiler(Path(__file__).parent)
