"""Where episodes are played: the simulated arm, or a benchmark with its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from sag_ros.bench.run.episode import robot_for, run_episode
from sag_ros.bench.run.records import EpisodeResult
from sag_ros.sim.benchmarks.registry import is_benchmark, make_benchmark


@dataclass(frozen=True)
class Stage:
    """Plays episodes of one task.

    Attributes:
        time_limit: s after which an episode has failed.
        play: one episode: the arguments of ``episode.run_episode`` behind the robot.
        close: frees what the simulator holds: an OpenGL context, too, which the end of a process frees late.
    """

    time_limit: float
    play: Callable[..., EpisodeResult]
    close: Callable[[], None]


def stage_for(task: str, contract: Any) -> Stage:
    """Where a policy of ``contract`` plays ``task``.

    Raises:
        ValueError: the policy is for another kind of task.
        ImportError: the simulator of the benchmark is missing.
    """
    if not is_benchmark(task):
        if contract.commands_setpoints:
            raise ValueError(
                f"the policy gives setpoints of the benchmark '{contract.task}'; it cannot play '{task}', "
                "which moves the simulated arm by joint positions or poses"
            )
        robot = robot_for(task, contract)
        return Stage(robot.task.time_limit, partial(run_episode, robot), robot.close)
    benchmark = make_benchmark(task)
    wanted = list(benchmark.joints), [one.name for one in benchmark.setpoints], list(benchmark.parts)
    given = list(contract.joints), [one.name for one in contract.action], list(contract.state)
    for name, own, other in zip(("joints", "actions", "state"), given, wanted, strict=True):
        if own != other:
            benchmark.close()
            raise ValueError(
                f"the policy's {name} are {', '.join(own)}; the benchmark '{task}' has {', '.join(other)}. "
                f"Train one on demonstrations of: sag record --task {task}"
            )
    # Simulated arms do without what only benchmarks need.
    from sag_ros.bench.run.benchmark_episode import run_benchmark_episode

    play = partial(run_benchmark_episode, benchmark)
    return Stage(benchmark.steps * benchmark.period, play, benchmark.close)
