"""Does looking at the observation pay? Masks that depend on it against ones that do not, on the same seeds.

Runs of one task are pooled: each pair of episodes was played with the same seed in the same run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sag_ros.bench.run.paired import mcnemar, tango

TOLD, BLIND = "#0072b2", "#d55e00"  # as in the other pictures


@dataclass(frozen=True)
class Question:
    """Two methods of one task.

    Attributes:
        task: its name. told, blind: methods, whose masks depend on the observation, and do not.
        files: results of the runs that have both.
    """

    task: str
    told: str
    blind: str
    files: tuple[str, ...]


_HARD = (
    "tasks_pick_release_hard.json",
    "tasks_final_pick_release_hard.json",
    "tasks_final_pick_release_hard_more.json",
    "tasks_final_pick_release_hard_third.json",
)
_EASY = (
    "tasks_pick_release.json",
    "ladder_pick_release.json",
    "tasks_zen3.json",
    "tasks_final_pick_release.json",
    "tasks_final_pick_release_more.json",
)
_STARVED = ("looking_can.json",)
QUESTIONS = (
    Question("pick_release", "sag", "sag_mean", _EASY),
    Question("pick_release_hard", "sag", "sag_mean", _HARD),
    Question("can", "ddim10+sag_block", "ddim10+sag_block_mean", ("paper.json",)),
    Question("can", "ddim10+sag_need14", "ddim10+searched14", _STARVED),
    Question("can", "ddim10+sag_need14", "ddim10+coin14", _STARVED),
)


@dataclass(frozen=True)
class Answer:
    """Of a question.

    Attributes:
        question: see there.
        episodes: pairs. told, blind: successes of each.
        density: share of the blocks that each computes, a step of DDIM-10 counted as one of a hundred.
        difference, low, high: told minus blind, points, and its interval (Tango).
        p: exact McNemar, not corrected.
    """

    question: Question
    episodes: int
    told: int
    blind: int
    density: tuple[float, float]
    difference: float
    low: float
    high: float
    p: float


def answer(question: Question, read: Callable[[str], Mapping[str, Any]]) -> Answer:
    """Pool the runs of a question; ``read`` gives a result by its file's name.

    Raises:
        KeyError: a run lacks one of the methods. ValueError: they did not play the same number of episodes.
    """
    pairs, only_told, only_blind, told_failed, blind_failed = 0, 0, 0, 0, 0
    density = [0.0, 0.0]
    for name in question.files:
        rows = {row["method"]: row for row in _rows(read(name), question.task)}
        told, blind = rows[question.told], rows[question.blind]
        if told["episodes"] != blind["episodes"]:
            raise ValueError(f"{name}: {told['episodes']} and {blind['episodes']} episodes are no pairs")
        failed = set(told["failed"]), set(blind["failed"])
        only_told += len(failed[1] - failed[0])
        only_blind += len(failed[0] - failed[1])
        told_failed, blind_failed = told_failed + len(failed[0]), blind_failed + len(failed[1])
        pairs += told["episodes"]
        for place, row in enumerate((told, blind)):
            density[place] += row["density"] * row["episodes"]
    low, high = tango(only_told, only_blind, pairs)
    return Answer(
        question,
        pairs,
        pairs - told_failed,
        pairs - blind_failed,
        (density[0] / pairs, density[1] / pairs),
        100.0 * (only_told - only_blind) / pairs,
        100.0 * low,
        100.0 * high,
        mcnemar(only_told, only_blind),
    )


def _rows(report: Mapping[str, Any], task: str) -> Sequence[Mapping[str, Any]]:
    """Of a report of one task, or of a page of several."""
    found: Sequence[Mapping[str, Any]] = (
        report["tasks"][task]["rows"] if "tasks" in report else report["rows"]
    )
    return found


def draw(answers: Sequence[Answer], need: Mapping[str, Any], path: Path) -> None:
    """A picture: differences of success, and how far chunks are from those of the whole policy.

    Args:
        need: provenance of a pruner that spends a budget; see ``train.pruner.need.learn_need``.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.6), width_ratios=(3, 2), layout="constrained")
    for place, one in enumerate(reversed(answers)):
        left.plot([one.low, one.high], [place, place], color=TOLD, lw=2)
        left.plot(one.difference, place, "o", color=TOLD)
    left.set_yticks(range(len(answers)), [_label(one) for one in reversed(answers)], fontsize=9)
    left.axvline(0.0, color="0.6", lw=0.8, zorder=0)
    left.set_ylim(-0.6, len(answers) - 0.4)
    left.set_xlabel("success with a mask that depends on the observation,\nminus without: points, 95 %")
    bars = ("one", "coin", "told", "best")
    names = ("one mask", "several,\ndrawn blindly", "told by the\nobservation", "best choice")
    colours = (BLIND, BLIND, TOLD, "0.7")
    right.bar(range(len(bars)), [1e3 * need[name] for name in bars], color=colours, width=0.6)
    right.set_xticks(range(len(bars)), names, fontsize=8)
    right.set_ylabel("from the whole policy's chunk, 10⁻³")
    right.set_title(f"can, DDIM-10, {need['told_density'] / 10:.1%} of the blocks", fontsize=10)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _label(one: Answer) -> str:
    question = one.question
    return f"{question.task}, {one.density[0]:.1%}, {one.episodes} pairs\n{question.told} − {question.blind}"
