from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import tyro

from sag_ros.bench.tasks.options import Options


@pytest.mark.parametrize("name", ["episodes", "execute", "processes"])
def test_counts_are_positive(name):
    with pytest.raises(ValueError, match=f"--{name} must be at least 1; got 0"):
        Options(**{name: 0})


def test_chunks_may_be_none():
    assert Options(timed_chunks=0, torch_chunks=0).torch_chunks == 0
    with pytest.raises(ValueError, match="--timed-chunks must be at least 0; got -1"):
        Options(timed_chunks=-1)


def test_budgets_and_margin_are_checked():
    with pytest.raises(ValueError, match="--budgets"):
        Options(budgets="5;10")
    with pytest.raises(ValueError, match="--margin is in points"):
        Options(margin=-1.0)


@pytest.mark.parametrize(
    "options",
    [
        Options(),
        Options(episodes=7, methods="dense,cm3@out/a b", margin=5.0, json=Path("out/x.json"), processes=2),
        Options(
            noise="fixed", precision="f32", engine="native", budgets="1,2", report_only=True, retime=True
        ),
    ],
)
def test_command_gives_the_same_options(options):
    words = shlex.split(options.command())
    assert words[:3] == ["sag", "bench", "tasks"]
    again = tyro.cli(Options, args=words[3:])
    assert again == Options(**{**vars(options), "report_only": False, "retime": False})


def test_a_final_table_grows_by_seeds_that_it_has_not_used() -> None:
    assert Options(final=True, episodes=120).seeds == range(10_000_000, 10_000_120)
    more = Options(final=True, episodes=100, final_from=120)
    assert more.seeds == range(10_000_120, 10_000_220)
    assert "--final --final-from 120" in more.command()


@pytest.mark.parametrize("wrong", [{"final": False, "final_from": 5}, {"final": True, "final_from": 10**7}])
def test_what_is_no_number_of_a_final_seed_is_refused(wrong) -> None:
    with pytest.raises(ValueError, match=f"--final-from {wrong['final_from']} is the number of a seed"):
        Options(episodes=10, **wrong)
