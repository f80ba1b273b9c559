import numpy as np

from sag_ros.bench.schedules.closed_loop import ClosedLoopFitness, as_result, fitness_text

SEEDS = range(10, 18)


def mask(number: int) -> np.ndarray:
    return np.full((2, 3), bool(number % 2))


class Player:
    """Candidate n, told by its first gates, succeeds on the seeds given for it."""

    def __init__(self, outcomes):
        self.outcomes, self.jobs = outcomes, []

    def __call__(self, jobs):
        self.jobs.extend((int(pruned[0, 0]), seed) for pruned, seed in jobs)
        return [seed in self.outcomes[int(pruned[0, 0])] for pruned, seed in jobs]


def test_successes_count_first_and_the_error_decides_between_equals():
    play = Player({0: set(SEEDS), 1: set(SEEDS)})
    fitness = ClosedLoopFitness(play, lambda pruned: 0.1 if pruned[0, 0] else 0.2, SEEDS)
    first, second = fitness([mask(0), mask(1)], (3.0, -1.0))
    assert first == (8.0, -0.2) and second == (8.0, -0.1)
    assert second > first > (7.0, 0.0)
    assert fitness.episodes == 16


def test_who_cannot_reach_the_threshold_is_given_up():
    play = Player({0: {10, 11, 12, 13, 14, 15, 16, 17}, 1: {17}})
    fitness = ClosedLoopFitness(play, lambda pruned: 0.0, SEEDS, together=2)
    result = fitness([mask(0), mask(1)], (6.0, 0.0))
    assert [count for count, _ in result] == [8, 0]
    played = [seed for number, seed in play.jobs if number == 1]
    assert played == [10, 11, 12, 13]  # four failures: at most 4 of 8 are left
    assert [seed for number, seed in play.jobs if number == 0] == list(SEEDS)


def test_without_a_threshold_who_never_succeeded_is_given_up_after_two_rounds():
    play = Player({0: set(), 1: {11}})
    fitness = ClosedLoopFitness(play, lambda pruned: 0.0, SEEDS, together=2)
    fitness([mask(0), mask(1)], None)
    assert [seed for number, seed in play.jobs if number == 0] == [10, 11, 12, 13]
    assert [seed for number, seed in play.jobs if number == 1] == list(SEEDS)


def test_texts():
    assert fitness_text((5.0, -0.02), 8) == "5/8 episodes, action error 0.02000"
    assert as_result((5.0, -0.02), 8) == {"successes": 5, "episodes": 8, "action_error": 0.02}
