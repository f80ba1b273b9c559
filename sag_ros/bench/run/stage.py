"""Where episodes are played: the simulated arm, or a benchmark with its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from sag_ros.bench.run.episode import EpisodeSettings, robot_for, run_episode
from sag_ros.bench.run.records import EpisodeResult
from sag_ros.sim.benchmarks.registry import is_benchmark, make_benchmark

if TYPE_CHECKING:
    from sag_ros.engines.runner import PolicyRunner
    from sag_ros.sim.benchmarks.protocol import Benchmark
    from sag_ros.sim.robot import SimulatedRobot
    from sag_ros.values import Observation

Witness = Callable[["Observation"], None]


class Stage(Protocol):
    """Plays episodes of one task.

    Attributes:
        time_limit: s after which an episode has failed.
    """

    time_limit: float

    def play(
        self,
        runner: PolicyRunner,
        loop: EpisodeSettings,
        method: str,
        seed: int,
        witness: Witness | None = None,
    ) -> EpisodeResult:
        """One episode; see ``episode.run_episode``."""
        ...

    def close(self) -> None:
        """Free what the simulator holds."""
        ...


class ArmStage:
    """The simulated arm with the node's control path."""

    def __init__(self, robot: SimulatedRobot) -> None:
        self._robot, self.time_limit = robot, robot.task.time_limit

    def play(
        self,
        runner: PolicyRunner,
        loop: EpisodeSettings,
        method: str,
        seed: int,
        witness: Witness | None = None,
    ) -> EpisodeResult:
        """See :class:`Stage`."""
        return run_episode(self._robot, runner, loop, method, seed, witness)

    def close(self) -> None:
        """Free the OpenGL context, which the end of the process would do too late."""
        self._robot.close()


class BenchmarkStage:
    """A benchmark of the papers."""

    def __init__(self, benchmark: Benchmark) -> None:
        self._benchmark, self.time_limit = benchmark, benchmark.steps * benchmark.period

    def play(
        self,
        runner: PolicyRunner,
        loop: EpisodeSettings,
        method: str,
        seed: int,
        witness: Witness | None = None,
    ) -> EpisodeResult:
        """See :class:`Stage`."""
        # Simulated arms do without what only these need.
        from sag_ros.bench.run.benchmark_episode import run_benchmark_episode

        return run_benchmark_episode(self._benchmark, runner, loop, method, seed, witness)

    def close(self) -> None:
        """Free the simulation."""
        self._benchmark.close()


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
        return ArmStage(robot_for(task, contract))
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
    return BenchmarkStage(benchmark)
