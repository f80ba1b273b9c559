"""Which weight formats the tests of engine native can run on this CPU."""

from __future__ import annotations

import pytest

from sag_ros.engines.native.microkernel import LANES, available_formats


def needs_native(precision):
    """A mark that skips where engine native does not compute in ``precision``, and says so."""
    reason = f"engine native does not compute in {precision} on this CPU, with vectors of {LANES}"
    return pytest.mark.skipif(precision not in available_formats(), reason=reason)
