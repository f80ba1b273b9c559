from __future__ import annotations

import pytest

from sag_ros.bench.masks.options import Options as Masks
from sag_ros.bench.tasks.options import Options
from sag_ros.seeds import EVALUATION, require_development


@pytest.mark.parametrize(
    ("first", "count"), [(EVALUATION.start, 1), (EVALUATION.start - 10, 11), (EVALUATION.stop - 1, 5)]
)
def test_seeds_of_the_final_tables_are_refused(first, count):
    with pytest.raises(ValueError, match=f"--seed: seeds {first} to {first + count - 1} touch 10000000 to"):
        require_development(first, count, "--seed")


@pytest.mark.parametrize(("first", "count"), [(0, 10), (EVALUATION.start - 10, 10), (EVALUATION.stop, 3)])
def test_others_are_not(first, count):
    require_development(first, count, "--seed")


def test_the_final_table_takes_them_and_nothing_else_does():
    assert Options(final=True, episodes=3).seeds == range(10_000_000, 10_000_003)
    assert "--final" in Options(final=True).command().split()
    assert "--seed" not in Options(final=True).command().split()
    for refused in (Options, Masks):
        with pytest.raises(ValueError, match="belong to the final tables"):
            refused(seed=EVALUATION.start)
