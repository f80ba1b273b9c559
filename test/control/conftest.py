"""Settings and small helpers of the control tests."""

from __future__ import annotations

from hypothesis import settings

# The same examples every time; a shared machine may pause in the middle of one.
settings.register_profile("control", derandomize=True, deadline=None)
settings.load_profile("control")
