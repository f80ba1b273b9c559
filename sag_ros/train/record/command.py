"""Record scripted demonstrations of a task, in several processes, resumable."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from tqdm import tqdm

from sag_ros.data.demonstrations import DemonstrationWriter, Episode
from sag_ros.seeds import require_development
from sag_ros.sim.benchmarks.registry import is_benchmark

OF_THE_ARM = ("arm", "disturbance", "image_size", "period")  # options that a benchmark has no use for
OF_BENCHMARKS = ("pushes",)  # and the other way round


@dataclass(frozen=True)
class Recording:
    """Arguments of ``sag record``.

    Attributes:
        output: folder of the zarr store; an existing one is continued.
        task: name of the task: of the simulated arm, or of a benchmark (lift, can, square, tool_hang,
            transport, kitchen; square_mixed as several people would do it).
        arm: name of the arm that is simulated; a benchmark has its own.
        episodes: number of successful demonstrations in the store when done.
        seed: of the first episode; episode i is simulated with seed + i.
        disturbance: amplitude of the smooth TCP disturbance while the undisturbed path is the label, m; a
            benchmark has its own.
        image_size: height and width of the camera images, pixels; a benchmark has no cameras.
        period: control period, s; a benchmark has its own.
        processes: simulations at a time.
        pushes: of a benchmark: probability, at each step, that something pushes the hand away for a while;
            the label is what was wanted. So that a policy has seen what to do where something went wrong.
    """

    output: Path = Path("data/pick_release.zarr")
    task: str = "pick_release"
    arm: str = "fr3"
    episodes: int = 400
    seed: int = 0
    disturbance: float = 0.012
    image_size: int = 84
    period: float = 0.05
    processes: int = 2
    pushes: float = 0.0

    def __post_init__(self) -> None:
        require_development(self.seed, 2 * self.episodes, "--seed")
        if not 0.0 <= self.pushes < 1.0:
            raise ValueError(f"--pushes is a probability at each step, 0 to below 1; got {self.pushes}")

    def run(self) -> int:
        """Record until the store holds ``episodes`` demonstrations; returns how many attempts failed."""
        attributes, prepare, demonstrate = self._kind()
        own = OF_BENCHMARKS if is_benchmark(self.task) else OF_THE_ARM
        kept = ("task", "episodes", "seed", "processes", *own)
        attributes["recorder"] = {name: getattr(self, name) for name in kept} | {"output": self.output.name}
        writer = DemonstrationWriter(self.output, attributes)
        for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # of small matrices, in many processes
            os.environ.setdefault(threads, "1")
        failures, seeds = 0, self._seeds(writer.last_seed)
        context = multiprocessing.get_context("spawn")
        with (
            ProcessPoolExecutor(self.processes, context, prepare, (self,)) as pool,
            tqdm(total=self.episodes, initial=writer.episodes, unit="episode", mininterval=5) as progress,
        ):
            # Few ahead: what is begun when the last one is there is waited for, and thrown away.
            ahead = deque(pool.submit(demonstrate, seed) for seed in islice(seeds, self.processes + 1))
            while ahead and writer.episodes < self.episodes:
                episode = ahead.popleft().result()
                ahead.extend(pool.submit(demonstrate, seed) for seed in islice(seeds, 1))
                if episode is None:
                    failures += 1
                    continue
                writer.append(episode)
                progress.update()
            pool.shutdown(cancel_futures=True)
        return failures

    def _kind(
        self,
    ) -> tuple[dict[str, Any], Callable[[Any], None], Callable[[int], Episode | None]]:
        """Attributes of the store, and what prepares a process and gives one demonstration there."""
        if is_benchmark(self.task):
            from sag_ros.train.record import benchmark

            return benchmark.attributes(self), benchmark.prepare, benchmark.demonstrate
        from sag_ros.train.record import arm

        return arm.attributes(self), arm.prepare, arm.demonstrate

    def _seeds(self, last: int | None) -> Iterator[int]:
        first = self.seed if last is None else last + 1
        # Bounded, in case that the expert can't do it at all; failures are rare.
        yield from range(first, first + 2 * self.episodes)
