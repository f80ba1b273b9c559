"""The extremes of a quintic, against a dense look at it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sag_ros.control.peaks import peaks

factor = st.floats(-50.0, 50.0).map(lambda x: 0.0 if abs(x) < 1e-6 else x)


@given(factor, factor, factor, factor, st.sampled_from([0.01, 0.3, 1.0]))
def test_nothing_in_between_is_larger(c2: float, c3: float, c4: float, c5: float, h: float) -> None:
    a, r = peaks(c2, c3, c4, c5, h)
    t = np.linspace(0.0, h, 2001)
    accelerations = 2.0 * c2 + 6.0 * c3 * t + 12.0 * c4 * t**2 + 20.0 * c5 * t**3
    jerks = 6.0 * c3 + 24.0 * c4 * t + 60.0 * c5 * t**2
    for found, seen in ((a, accelerations), (r, jerks)):
        top = np.abs(seen).max()
        assert abs(found) >= top * (1.0 - 1e-12)
        assert abs(found) <= top + 1e-3 * (top + 1.0)


def test_a_peak_between_the_ends_keeps_its_sign() -> None:
    # 2 c2 = -3 at the ends of [0, 1], -4 in the middle.
    a, _ = peaks(-1.5, -4.0 / 6.0, 4.0 / 12.0, 0.0, 1.0)
    assert np.isclose(a, -4.0)
