import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sag_ros.train.schedules.evolution import Evolution, EvolutionConfig

STEPS, BLOCKS = 8, 6


def evolution(computed=14, seed=0, given=(), **changes) -> Evolution:
    forced = np.zeros((STEPS, BLOCKS), np.bool_)
    forced[0] = True
    importance = np.random.default_rng(0).random((STEPS, BLOCKS))
    config = EvolutionConfig(population=8, elite=3, seed=seed, **changes)
    return Evolution(config, forced, computed, importance, given)


def late(candidates, threshold):
    """Blocks computed in late steps are worth more."""
    weight = np.arange(STEPS)[:, None]
    return [(float((~pruned * weight).sum()),) for pruned in candidates]


@settings(max_examples=25, deadline=None)
@given(computed=st.integers(BLOCKS, STEPS * BLOCKS), seed=st.integers(0, 1000))
def test_every_candidate_keeps_the_budget_and_what_is_forced(computed, seed):
    search = evolution(computed, seed)

    def checked(candidates, threshold):
        for pruned in candidates:
            assert not pruned[0].any()
            assert int((~pruned).sum()) == computed
        return late(candidates, threshold)

    for _ in range(3):
        search.advance(checked)
    assert len(search.population) == 8


def test_it_becomes_better_and_never_loses_its_best():
    search = evolution(generations=30, patience=30)
    best = []
    while not search.finished:
        search.advance(late)
        best.append(search.best[0])
    assert best == sorted(best)
    assert best[-1][0] > 1.15 * best[0][0]
    assert len(best) == 31


def test_it_stops_when_nothing_better_comes():
    search = evolution(generations=50, patience=3)
    while not search.finished:
        search.advance(lambda candidates, threshold: [(1.0,)] * len(candidates))
    assert search.generation == 4


def test_the_threshold_is_the_worst_of_the_elite():
    search = evolution()
    seen = []

    def fitness(candidates, threshold):
        seen.append(threshold)
        return late(candidates, threshold)

    search.advance(fitness)
    expected = search.population[2][0]
    search.advance(fitness)
    assert seen == [None, expected]


def test_what_is_given_is_in_the_first_population():
    given = np.ones((STEPS, BLOCKS), np.bool_)
    given[0] = given[-1] = False
    search = evolution(computed=12, given=[given])
    search.advance(late)
    assert any(np.array_equal(given, pruned) for _, pruned in search.population)


def test_an_interrupted_search_goes_on_as_if_nothing_had_been(tmp_path):
    whole, halves = evolution(), evolution()
    for _ in range(4):
        whole.advance(late)
    for _ in range(2):
        halves.advance(late)
    np.savez(tmp_path / "s.npz", **halves.state())
    again = evolution()
    with np.load(tmp_path / "s.npz", allow_pickle=False) as state:
        again.restore(state)
    for _ in range(2):
        again.advance(late)
    np.testing.assert_array_equal(whole.best[1], again.best[1])
    assert whole.best[0] == again.best[0]


def test_refusal():
    with pytest.raises(ValueError, match="budget of 5 blocks is impossible; need 6 to 48"):
        evolution(computed=5)
