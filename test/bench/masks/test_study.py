from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mask_fakes import BLOCKS, STEPS, episode, mask, name

from sag_ros.bench.masks.report import compare
from sag_ros.bench.masks.study import (
    computed_share,
    distinct_masks,
    label,
    mean_candidate,
    mean_mask,
)
from sag_ros.bench.run.statistics import wilson
from sag_ros.pruning.plan import make_plan

ONE, TWO, THREE = mask((1, 0)), mask((1, 0), (2, 1)), mask((4, 5))


def test_distinct_masks_most_frequent_first_with_their_phases():
    episodes = [
        episode(1, [("approach", ONE), ("grasp", TWO), ("carry", TWO)]),
        episode(2, [("approach", ONE), ("grasp", ONE), ("release", THREE), ("carry", TWO), ("carry", TWO)]),
    ]
    found = distinct_masks(episodes, 10)
    assert [candidate.label for candidate in found] == ["A", "B", "C"]
    assert [candidate.digest for candidate in found] == [name(TWO), name(ONE), name(THREE)]
    assert [candidate.share for candidate in found] == [4 / 8, 3 / 8, 1 / 8]
    assert found[0].phases == {"approach": 0.0, "grasp": 0.5, "carry": 1.0, "release": 0.0}
    assert [candidate.phase for candidate in found] == ["carry", "approach", "release"]
    np.testing.assert_array_equal(found[0].mask.pruned, TWO.pruned)
    assert [candidate.label for candidate in distinct_masks(episodes, 2)] == ["A", "B"]


def test_equal_gates_in_other_objects_are_one_mask():
    assert len(distinct_masks([episode(1, [("grasp", mask((1, 0))), ("grasp", mask((1, 0)))])], 10)) == 1


def test_labels_do_not_end_with_the_alphabet():
    assert [label(index) for index in (0, 25, 26, 53)] == ["A", "Z", "A1", "B2"]


def test_share_counts_inferences():
    share = computed_share([episode(1, [("grasp", ONE)] * 3), episode(2, [("carry", TWO)])])
    assert share.shape == (STEPS, BLOCKS)
    assert (share[0, 0], share[1, 0], share[2, 1], share[3, 3]) == (1.0, 1.0, 0.25, 0.0)
    with pytest.raises(ValueError, match="run at least one episode"):
        computed_share([])


def test_mean_mask_takes_the_most_frequent_blocks():
    share = computed_share([episode(1, [("grasp", ONE)] * 3 + [("carry", TWO)] * 2)])
    assert share.sum() == pytest.approx(4.4)
    np.testing.assert_array_equal(mean_mask(share, "type").pruned, ONE.pruned)
    candidate = mean_candidate(share, "type")
    assert (candidate.label, candidate.digest, candidate.phase) == ("mean", name(ONE), "")


@given(st.integers(0, 2**32 - 1), st.sampled_from(["type", "block"]))
def test_mean_mask_is_as_dense_as_the_masks_and_valid(seed, reuse):
    share = np.random.default_rng(seed).random((STEPS, BLOCKS)) ** 3
    found = mean_mask(share, reuse)
    make_plan(found, reuse)  # raises where something uncached would be read
    forced = 3 if reuse == "type" else BLOCKS
    assert (~found.pruned).sum() == max(round(share.sum()), forced)
    free = np.arange(share.size).reshape(share.shape) >= forced
    computed, pruned = share[~found.pruned & free], share[found.pruned & free]
    if len(computed) and len(pruned):
        assert computed.min() >= pruned.max()


def test_rows_compare_pairs_of_the_same_seed():
    adaptive = [episode(seed, [("grasp", ONE)], success=seed != 3) for seed in range(1, 6)]
    fixed = [
        episode(seed, [("grasp", ONE)], seed in (1, 3, 9), name(ONE), 0.001 * seed)
        for seed in (1, 2, 3, 4, 9)
    ]
    (candidate,) = distinct_masks(adaptive, 5)
    row = compare("A", fixed, adaptive, candidate)
    assert (row["episodes"], row["successes"], row["pairs"]) == (5, 3, 4)
    assert (row["lost"], row["won"]) == (2, 1)  # lost 2 and 4, won 3; 9 has no partner
    assert row["ci95"] == pytest.approx(wilson(3, 5), abs=1e-4)
    assert row["seeds_failed"] == [2, 4]
    assert row["distance_mm"] == 3.0
    assert (row["phase"], row["share"], row["digest"]) == ("grasp", 1.0, name(ONE))


def test_a_method_that_never_succeeds_has_no_distance():
    row = compare("A", [episode(1, [("grasp", ONE)], False)], [], None)
    assert (row["distance_mm"], row["pairs"], row["digest"]) == (None, 0, None)
