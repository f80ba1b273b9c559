"""Options of ``sag bench paper``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

TASKS = ("lift", "can", "square", "tool_hang", "transport", "kitchen")
METHODS = (
    *("dense", "ddim30", "ddim10", "ddim5", "ddim3", "ddim2", "rtc10", "falcon", "uniform10"),
    *("bac9", "evo9", "l2c9", "sag", "sag_mean", "sag_block", "sag_budget", "ddim50+sag", "ddim30+sag"),
    *("ddim10+sag_block", "ddim10+sag_block_mean", "ddim10+sag_block10"),
    *("geometric10", "geometric5", "geometric3"),
)


@dataclass(frozen=True)
class Options:
    """The tables of Sparse ActionGen with our policies and engine: success with intervals, differences to
    dense on the same episodes, milliseconds in the fast engine and in eager torch, beside what was published.

    On the seeds of the final tables, which nothing that learns or chooses sees. The simulators and success
    tests are those of the paper, the demonstrations are scripted: figures are not comparable cell by cell.
    """

    tasks: tuple[str, ...] = TASKS
    """those whose bundle is not there are left out, and named"""
    methods: tuple[str, ...] = METHODS
    """for each task, those that its bundle has schedules and pruners for"""
    episodes: int = 200
    """a method and task; of transport and tool_hang, which take minutes, a quarter"""
    bundles: str = "models"
    """folder with a bundle of each task, by its name"""
    engine: str = "auto"
    """see sag bench tasks"""
    processes: int = 1
    """episodes at the same time"""
    timed_chunks: int = 200
    """chunks that each method is timed with, at least; 0: none"""
    torch_chunks: int = 3
    """chunks that each method is timed with in plain torch; 0: none"""
    report_only: bool = False
    """write the page again from what is measured, run nothing"""
    out: Path = Path("out/paper")
    """page, and of each task what sag bench tasks writes"""

    def __post_init__(self) -> None:
        unknown = [task for task in self.tasks if task.removesuffix("_mixed") not in TASKS]
        if unknown or not self.tasks:
            raise ValueError(f"--tasks {' '.join(unknown) or 'none'}: known are {', '.join(TASKS)}")
        if self.episodes < 4:
            raise ValueError(f"--episodes must be at least 4; got {self.episodes}")

    def episodes_of(self, task: str) -> int:
        """Episodes a method."""
        return (
            self.episodes // 4 if task.removesuffix("_mixed") in ("transport", "tool_hang") else self.episodes
        )
