from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sag_ros.engines.gpu.launches import Kind, make_launches
from sag_ros.pruning.plan import cache_slots, make_plan
from sag_ros.pruning.static_masks import dense_mask, random_mask
from sag_ros.values import Mask


@st.composite
def plans(draw):
    steps, layers = draw(st.integers(1, 7)), draw(st.integers(1, 3))
    reuse = draw(st.sampled_from(["type", "block", "gate"]))
    pruned = draw(arrays(np.bool_, (steps, 3 * layers)))
    if draw(st.booleans()):
        pruned[draw(st.integers(0, steps - 1)) :] = True
    pruned[0, : cache_slots(3 * layers, reuse)] = False
    source = draw(arrays(np.bool_, pruned.shape)) if reuse == "gate" else None
    return make_plan(Mask(pruned, source), reuse)


def literally(plan, launches):
    """Which residuals (by step and block) have been added to the stream in each step, by launches."""
    cache = {}
    added, stream = [], []
    for kind, layer, slot, step, stop, weights in zip(
        launches.kind,
        launches.layer,
        launches.slot,
        launches.step,
        launches.stop,
        launches.weights,
        strict=True,
    ):
        assert step == len(added)
        for number in np.flatnonzero(weights):
            stream += [cache[number]] * int(weights[number])
        if kind == Kind.IDLE:
            added += [sorted(stream)] * (stop - step)
            stream = []
        elif kind == Kind.STEP_END:
            added.append(sorted(stream))
            stream = []
        else:
            cache[slot] = (step, 3 * layer + kind)
            assert slot == (3 * layer + kind) % plan.slots
    assert not stream
    return added


def by_the_rule(plan):
    """The same from the mask: a pruned block adds what its slot holds."""
    cache, added = {}, []
    last = {}
    for step, row in enumerate(plan.mask.pruned):
        stream = []
        for block, pruned in enumerate(row):
            slot = block % plan.slots
            if not pruned:
                cache[slot] = last[block % 3] = (step, block)
            shared = plan.reuse == "gate" and pruned and not plan.mask.source[step, block]
            stream.append(last[block % 3] if shared else cache[slot])
        added.append(sorted(stream))
    return added


@given(plans())
def test_every_step_adds_what_the_rule_says(plan):
    launches = make_launches(plan)
    assert literally(plan, launches) == by_the_rule(plan)
    computed = ~plan.mask.pruned
    assert int((launches.layer >= 0).sum()) == int(computed.sum())
    assert int((launches.kind == Kind.STEP_END).sum()) == int(computed.any(axis=1).sum())


@given(plans())
def test_idle_stretches_are_as_long_as_they_can_be(plan):
    launches = make_launches(plan)
    idle = launches.kind == Kind.IDLE
    np.testing.assert_array_equal(launches.stop[idle], plan.resumes()[launches.step[idle]])
    np.testing.assert_array_equal(launches.stop[~idle], launches.step[~idle])
    np.testing.assert_array_equal(launches.table[:, :-1], launches.weights)
    assert int(launches.table[:, -1].sum()) == int(plan.mask.pruned.all(axis=1).sum())


@given(plans(), st.data())
def test_the_rest_from_a_step_on(plan, data):
    launches = make_launches(plan)
    first = data.draw(st.sampled_from(np.flatnonzero(plan.starts()).tolist()))
    rest = launches.from_step(first)
    assert rest.step[0] == first
    assert len(rest) == int((launches.step >= first).sum())
    np.testing.assert_array_equal(rest.weights, launches.weights[-len(rest) :])


def test_arrays_cannot_be_written():
    launches = make_launches(make_plan(dense_mask(2, 6)))
    with pytest.raises(ValueError, match="read-only"):
        launches.weights[0] = 1.0


def test_most_sparse_and_dense():
    launches = make_launches(make_plan(random_mask(100, 24, 0.0, 0)))
    assert len(launches) == 5  # three blocks, the end of step 0, the idle rest
    assert (launches.step[-1], launches.stop[-1]) == (1, 100)
    assert len(make_launches(make_plan(dense_mask(100, 24)))) == 2500
