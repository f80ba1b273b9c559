import numpy as np
import pytest

from sag_ros.train.pruner.groups import group_observations


def test_clouds_become_groups_whatever_their_scale():
    rng = np.random.default_rng(0)
    own = rng.integers(3, size=600)
    centres = np.array([[0, 0], [5, 0], [0, 5]])
    features = ((centres[own] + 0.3 * rng.normal(size=(600, 2))) * [1.0, 1e-3]).astype(np.float32)
    groups = group_observations(features, 3, seed=0)
    pairs = set(zip(own.tolist(), groups.tolist(), strict=True))
    assert len(pairs) == 3  # one to one
    np.testing.assert_array_equal(groups, group_observations(features, 3, seed=0))


def test_more_groups_than_observations_are_refused():
    with pytest.raises(ValueError, match="use fewer"):
        group_observations(np.zeros((2, 3), np.float32), 3, 0)
