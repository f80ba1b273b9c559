"""A made-up run of the demo."""

from __future__ import annotations

import numpy as np

from sag_ros.ros.demo.run_record import Episode
from sag_ros.ros.policy.chunk_record import ChunkRecord

START = 1_700_000_000.0


def run(episodes: int = 3, seconds: float = 8.0, rate: float = 50.0, seed: int = 0) -> list[Episode]:
    rng = np.random.default_rng(seed)
    layers, steps = 8, 100
    base = rng.random((steps, 3 * layers)) < np.linspace(0.25, 0.02, steps)[:, None]
    out = []
    for number in range(episodes):
        episode = Episode(number, 100 + number, success=number != 1, message="done", duration=seconds)
        for i in range(int(seconds * rate)):
            stamp = START + 20 * number + i / rate
            latency = 24 + rng.gamma(2.0, 1.5)
            pruned = ~(base | (rng.random(base.shape) < 0.03 * (1 + np.sin(i / 60)) / 2))
            pruned[0, :3] = False
            if i % 2 == 0:
                episode.masks[stamp] = pruned
            episode.chunks.append(
                ChunkRecord(
                    chunk=i, obs_stamp=stamp, publish_stamp=stamp + latency / 1e3, latency_ms=latency,
                    encode_ms=1.5, pruner_ms=0.4, denoise_ms=13.0, inference_ms=16.0,
                    density=float(1 - pruned.mean()), missed=int(latency > 35), clipped=int(i % 100 == 0),
                )
            )  # fmt: skip
        out.append(episode)
    return out
