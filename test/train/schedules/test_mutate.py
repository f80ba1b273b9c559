import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sag_ros.train.schedules.mutate import MutationSpace, mutate


@given(
    steps=st.integers(2, 30),
    layers=st.integers(1, 6),
    density=st.floats(0, 1),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_mutation_is_small_valid_and_leaves_its_argument_alone(steps, layers, density, seed):
    rng = np.random.default_rng(seed)
    pruned = rng.random((steps, 3 * layers)) >= density
    pruned[0, :3] = False
    before = pruned.copy()
    changed = mutate(pruned, rng)
    assert changed.shape == pruned.shape and changed.dtype == np.bool_
    assert not changed[0, :3].any()
    assert (np.any(changed != before, axis=1)).sum() <= 4  # two changes of at most two steps
    np.testing.assert_array_equal(pruned, before)


def test_every_kind_of_change_happens():
    start = np.ones((20, 12), np.bool_)
    start[0, :3] = start[5, :6] = start[12, 3] = False
    seen = set()
    for seed in range(400):
        difference = mutate(start, np.random.default_rng(seed)) ^ start
        seen.add((int(difference.any(axis=1).sum()), int(difference.sum())))
    assert (1, 1) in seen  # one block
    assert (1, 6) in seen  # a step pruned
    assert (2, 12) in seen  # two steps swapped
    assert (1, 3) in seen  # a layer


@given(steps=st.integers(2, 20), layers=st.integers(1, 4), seed=st.integers(0, 2**32 - 1), own=st.booleans())
def test_with_a_budget_for_each_block_every_block_keeps_its_count(steps, layers, seed, own):
    rng = np.random.default_rng(seed)
    space = MutationSpace(forced=3 * layers if own else 3, per_block=True)
    pruned = rng.random((steps, 3 * layers)) < 0.7
    pruned[0, : space.forced] = False
    changed = mutate(pruned, rng, space)
    assert not changed[0, : space.forced].any()
    np.testing.assert_array_equal(changed.sum(axis=0), pruned.sum(axis=0))
