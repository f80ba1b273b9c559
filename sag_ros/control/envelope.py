"""The velocity that a position allows; compiled."""

from __future__ import annotations

from math import sqrt

from sag_ros.control.kernel import kernel


@kernel
def allowed_speed(room: float, offset: float, slope: float, top: float) -> float:
    """Largest velocity towards a side, rad/s, >= 0, with ``room``, rad, to that end of the envelope."""
    return min(top, max(sqrt(max(slope * room, 0.0)) - offset, 0.0))
