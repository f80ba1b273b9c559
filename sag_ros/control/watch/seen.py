"""What was measured of the arm last, and whether it is of one arm."""

from __future__ import annotations

from collections import deque

import numpy as np

from sag_ros.values import Float

_CLOSE = 0.1  # s; states further apart in time say nothing of each other
_FASTER = 1.5  # times the largest speed, and
_BESIDE = 0.02  # rad; what lies further from the state before is from somebody else
_OFTEN, _WITHIN = 3, 0.5  # so many such jumps within so many s


class Seen:
    """The newest measured state of J joints.

    Attributes:
        count: states so far; position, velocity: (J,) of the newest, rad, rad/s.
    """

    def __init__(self) -> None:
        self.count = 0
        self.position: Float = np.zeros(0)
        self.velocity: Float = np.zeros(0)
        self._stamp = -np.inf
        self._jumps: deque[float] = deque(maxlen=_OFTEN)

    def look(self, stamp: float, position: Float, velocity: Float, fastest: Float) -> str:
        """Take a state.

        Args:
            stamp: s; position, velocity: (J,) rad, rad/s.
            fastest: (J,) speed that the joints are able to, rad/s.

        Returns:
            What contradicts that one arm is reported, or an empty text.
        """
        since, before = stamp - self._stamp, self.position
        self.count += 1
        self.position, self.velocity, self._stamp = position, velocity, stamp
        if not 0.0 <= since < _CLOSE:
            return ""
        jump = np.abs(position - before)
        joint = int((jump - _FASTER * fastest * since).argmax())
        if jump[joint] <= _FASTER * fastest[joint] * since + _BESIDE:
            return ""
        self._jumps.append(stamp)
        if len(self._jumps) < _OFTEN or stamp - self._jumps[0] > _WITHIN:
            return ""
        return (
            f"joint {joint + 1} is reported at {before[joint]:.3f} and {1e3 * since:.0f} ms later at "
            f"{position[joint]:.3f} rad, again and again: two sources"
        )
