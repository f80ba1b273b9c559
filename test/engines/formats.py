"""Which forms of products the tests of engine native can run on this CPU."""

from __future__ import annotations

import pytest

from sag_ros.engines.native.microkernel import LANES, available_forms


def needs_native(form):
    """A mark that skips where engine native does not compute in ``form``, and says so."""
    reason = f"engine native does not compute in {form} on this CPU, with vectors of {LANES}"
    return pytest.mark.skipif(form not in available_forms(), reason=reason)
