"""A policy begins an episode, and the expert goes on from wherever that led to.

What a policy does wrong leads to where no demonstration was; the expert shows what to do there (DAgger, Ross
et al., arXiv 1011.0686; with a human expert HG-DAgger, Kelly et al., arXiv 1810.02890).
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from pathlib import Path

import numpy as np

from sag_ros.sim.benchmarks.protocol import Benchmark

SAMPLER = "ddim10"


class Beginner:
    """Plays the first steps of episodes, in lock step.

    Args:
        bundle: folder of the policy.

    Raises:
        BundleError: the policy cannot be used.
        ValueError: it is for something else than ``benchmark``.
    """

    def __init__(self, bundle: Path, benchmark: Benchmark) -> None:
        import torch

        from sag_ros.engines.runner import PolicyRunner
        from sag_ros.policy.bundle import load_bundle

        torch.set_num_threads(1)
        policy = load_bundle(bundle)
        given = [one.name for one in policy.contract.action], list(policy.contract.state)
        if given != ([one.name for one in benchmark.setpoints], list(benchmark.parts)):
            raise ValueError(
                f"{bundle} is a policy of '{policy.contract.task}', with other states or actions than "
                f"'{benchmark.name}'; give one that was trained on demonstrations of it"
            )
        self._runner = PolicyRunner(policy, SAMPLER, "dense")
        self._contract = policy.contract

    def __call__(self, benchmark: Benchmark, seed: int, steps: int) -> None:
        """Play ``steps`` actions of the episode that was begun; ``seed`` is of the policy's noise."""
        seen = self._contract.observation_steps
        self._runner.reset(seed)
        history = deque([benchmark.observe()] * seen, seen)
        left = steps
        while left > 0:
            features = self._runner.features([{}] * seen, np.stack(history))
            chunk = self._runner.infer((steps - left) * benchmark.period, features).chunk
            for action in islice(chunk.positions, left):
                benchmark.step(action)
                history.append(benchmark.observe())
            left -= len(chunk.positions)
