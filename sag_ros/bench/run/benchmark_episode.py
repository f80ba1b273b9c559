"""One episode of a benchmark in lock step, as the public evaluation of Diffusion Policy plays it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from sag_ros.bench.run.episode import EpisodeSettings, computed_share
from sag_ros.bench.run.records import EpisodeResult
from sag_ros.bench.run.smoothness import Agreement, Sampled
from sag_ros.bench.run.statistics import mean
from sag_ros.sim.benchmarks.protocol import Benchmark
from sag_ros.values import Observation

if TYPE_CHECKING:
    from sag_ros.engines.runner import PolicyRunner


def run_benchmark_episode(
    benchmark: Benchmark,
    runner: PolicyRunner,
    loop: EpisodeSettings,
    method: str,
    seed: int,
    witness: Callable[[Observation], None] | None = None,
) -> EpisodeResult:
    """Run until success or until the steps of the benchmark are used up; see ``episode.run_episode``.

    Neither guard nor splice: setpoints go to the benchmark's own controller, one a period, as the policy gave
    them. Smoothness is that of the joints as sampled once a period, and jumps are in units of the setpoints.

    Raises:
        ValueError: a delay of more periods than chunks are apart.
    """
    if loop.delay >= loop.execute:
        raise ValueError(
            f"a delay is 0 to {loop.execute - 1} periods where a chunk comes every {loop.execute}; "
            f"got {loop.delay}"
        )
    began = time.monotonic()
    benchmark.reset(seed)
    runner.reset(seed)
    agreement, sampled = Agreement(loop.execute), Sampled(loop.period)
    sampled.add(benchmark.joint_positions)
    history = deque([benchmark.observe()] * loop.observation_steps, loop.observation_steps)
    densities: list[float] = []
    done, status, old = 0, benchmark.status(), None
    while not status.success and done < benchmark.steps:
        stamp, states = done * loop.period, np.stack(history)
        if witness is not None:
            witness(Observation(stamp, {}, states))
        inference = runner.infer(stamp, runner.features([{}] * loop.observation_steps, states))
        densities.append(computed_share(inference, loop.blocks))
        agreement.add(inference.chunk)
        new = inference.chunk.positions[: loop.execute]
        for action in _delayed(old, new, loop)[: benchmark.steps - done]:
            benchmark.step(action)
            done += 1
            history.append(benchmark.observe())
            sampled.add(benchmark.joint_positions)
            status = benchmark.status()
            if status.success:
                break
        old = inference.chunk.positions
    return EpisodeResult(
        method=method,
        seed=seed,
        success=bool(status.success),
        message=status.message,
        seconds=round(done * loop.period, 3),
        density=mean(densities) or 0.0,
        chunks=len(densities),
        rms_jerk=sampled.rms_jerk,
        peak_jerk=None,
        rms_acceleration=sampled.rms_acceleration,
        jump=mean(agreement.jumps),
        bend=mean(agreement.bends),
        completed=status.completed,
        wall=round(time.monotonic() - began, 3),
    )


def _delayed(old: np.ndarray | None, new: np.ndarray, loop: EpisodeSettings) -> np.ndarray:
    """(execute, A) what is executed: at first what the chunk before has for these times, or holds at its end.

    Nothing is there to go on with at the beginning of an episode, which waits for the first chunk instead.
    """
    if old is None or not loop.delay:
        return new
    goes_on = np.arange(loop.execute, loop.execute + loop.delay)
    return np.concatenate([old[np.minimum(goes_on, len(old) - 1)], new[loop.delay :]])
