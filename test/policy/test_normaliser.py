from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sag_ros.policy.normaliser import Normaliser, limits_scale_offset

DATA = hnp.arrays(
    np.float64,
    st.tuples(st.integers(1, 12), st.just(3)),
    elements=st.floats(-10, 10, allow_nan=False).map(lambda v: round(v, 3)),
)


@settings(max_examples=60, deadline=None)
@given(state=DATA, action=DATA)
def test_range_is_mapped_to_unit_limits_and_back(state: np.ndarray, action: np.ndarray) -> None:
    normaliser = Normaliser.fit(state, action)
    for field, data in (("state", state), ("action", action)):
        x = torch.tensor(data, dtype=torch.float32)
        y = normaliser.normalise(field, x)
        varies = np.ptp(data, axis=0) > 1e-4
        low, high = np.where(varies, -1.0, 0.0), np.where(varies, 1.0, 0.0)
        # one fp32 rounding of values up to 10, magnified by the scale
        scale = normaliser.vectors(field)[0].numpy()
        np.testing.assert_allclose(y.amin(0), low, atol=1e-6 + 4e-6 * scale.max())
        np.testing.assert_allclose(y.amax(0), high, atol=1e-6 + 4e-6 * scale.max())
        np.testing.assert_allclose(normaliser.denormalise(field, y), x, atol=1e-5)


def test_constant_dimension_is_shifted_only() -> None:
    scale, offset = limits_scale_offset(np.array([[2.0, 0.0], [2.0 + 1e-6, 1.0]]))
    np.testing.assert_allclose(scale, [1.0, 2.0])
    np.testing.assert_allclose(offset, [-2.0, -1.0], atol=1e-6)


def test_keys_are_those_of_public_checkpoints() -> None:
    shapes = {key: tuple(value.shape) for key, value in Normaliser(9, 8).state_dict().items()}
    assert shapes == {
        "params_dict.state.scale": (9,),
        "params_dict.state.offset": (9,),
        "params_dict.action.scale": (8,),
        "params_dict.action.offset": (8,),
    }


def test_errors() -> None:
    with pytest.raises(KeyError, match="no field 'image'; available: state, action"):
        Normaliser(2, 2).normalise("image", torch.zeros(2))
    for bad in (np.zeros((0, 2)), np.zeros(2), np.array([[np.nan, 0.0]])):
        with pytest.raises(ValueError, match="finite data"):
            limits_scale_offset(bad)
