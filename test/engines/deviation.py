"""How far a chunk is from the reference's."""

from __future__ import annotations

import numpy as np


def relative_error(got, expected):
    """Of the whole chunk: the first steps of a short schedule amplify single actions of bf16."""
    assert got.shape == expected.shape
    assert got.dtype == np.float32
    return np.linalg.norm(got - expected) / np.linalg.norm(expected)
