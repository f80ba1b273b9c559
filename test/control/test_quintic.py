"""The compiled quintics, against scipy."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import BPoly

from sag_ros.control.quintic import quintics


def test_they_go_through_every_state() -> None:
    rng = np.random.default_rng(0)
    time = np.cumsum(rng.uniform(0.005, 0.2, 9))
    states = rng.normal(0.0, 1.0, (3, 9, 2))
    out = np.zeros((8, 6, 2))
    quintics(time, *states, out)
    expected = BPoly.from_derivatives(time, states.transpose(1, 0, 2))
    t = rng.uniform(time[0], time[-1], 200)
    piece = np.searchsorted(time, t, side="right") - 1
    powers = (t - time[piece])[:, None] ** np.arange(6)
    np.testing.assert_allclose(np.einsum("np,npj->nj", powers, out[piece]), expected(t), atol=1e-9)
