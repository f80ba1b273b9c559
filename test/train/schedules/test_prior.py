import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sag_ros.pruning.plan import make_plan
from sag_ros.train.schedules.prior import late_steps, starts
from sag_ros.values import Mask


@given(steps=st.integers(1, 120), data=st.data())
def test_late_steps_are_as_many_as_asked_for_and_end_with_the_last(steps, data):
    count = data.draw(st.integers(1, steps))
    pruned = late_steps(steps, 6, count)
    computed = np.flatnonzero(~pruned.all(axis=1))
    assert len(computed) == count and computed[0] == 0
    assert count == 1 or computed[-1] == steps - 1
    gaps = np.diff(computed)
    assert count < 3 or gaps[0] >= gaps[-1]


@pytest.mark.parametrize("reuse", ["type", "block"])
@pytest.mark.parametrize("steps", [10, 30, 100])
@pytest.mark.parametrize("density", [0.05, 0.09, 0.2, 0.5])
def test_starts_can_be_executed_and_keep_about_the_density(reuse, steps, density):
    for per_block in (False, True):
        found = starts(steps, 24, density, reuse, per_block)
        assert len(found) >= 2
        for pruned in found:
            make_plan(Mask(pruned), reuse)
            assert 1.0 - pruned.mean() <= 1.3 * max(density, 2 / steps)
            assert not per_block or len(set(pruned.sum(axis=0))) == 1


def test_late_steps_refuses():
    with pytest.raises(ValueError, match="5 of 4 steps"):
        late_steps(4, 6, 5)
