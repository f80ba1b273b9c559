"""Tasks by name: every file of this folder that declares a ``TASK`` is found."""

from __future__ import annotations

from sag_ros.declared import declared
from sag_ros.sim.tasks.protocol import Task

TASKS: dict[str, type[Task]] = {task.name: task for task in declared("sag_ros.sim.tasks", "TASK")}


def make_task(name: str) -> Task:
    """The task called ``name``. Raises KeyError listing the known names."""
    if name not in TASKS:
        raise KeyError(f"there is no task {name!r}. Available: {sorted(TASKS)}")
    return TASKS[name]()
