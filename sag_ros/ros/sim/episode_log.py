"""States of one episode at a low rate, so that its video can be rendered afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sag_ros.sim.robot import SceneState


@dataclass(frozen=True)
class RecordedEpisode:
    """What :meth:`EpisodeLog.save` wrote.

    Attributes:
        seed: of the episode.
        stamp: (N,) ROS time, ns.
        qpos: (N, nq); mocap_pos: (N, nmocap, 3).
    """

    seed: int
    stamp: np.ndarray
    qpos: np.ndarray
    mocap_pos: np.ndarray


class EpisodeLog:
    """Collects states in memory and writes them at the end.

    Args:
        seed: of the episode.
        limit: states kept; 3000 are two minutes at 25 Hz. An episode nobody ends must not fill the memory.
    """

    def __init__(self, seed: int, limit: int = 3000) -> None:
        self.seed, self._limit = seed, limit
        self._rows: list[tuple[int, np.ndarray, np.ndarray]] = []

    def __len__(self) -> int:
        """Number of states."""
        return len(self._rows)

    def add(self, stamp: int, state: SceneState) -> None:
        """Append a state; ``stamp`` is ROS time, ns."""
        if len(self._rows) < self._limit:
            self._rows.append((stamp, state.qpos, state.mocap_pos))

    def save(self, path: Path) -> None:
        """Write the log as npz; an empty log writes nothing."""
        if not self._rows:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        stamp, qpos, mocap_pos = zip(*self._rows, strict=True)
        np.savez(
            path, seed=self.seed, stamp=np.array(stamp), qpos=np.stack(qpos), mocap_pos=np.stack(mocap_pos)
        )


def load_episode(path: Path) -> RecordedEpisode:
    """Read a log written by :meth:`EpisodeLog.save`."""
    with np.load(path, allow_pickle=False) as file:
        return RecordedEpisode(int(file["seed"]), file["stamp"], file["qpos"], file["mocap_pos"])


def log_name(episode: int) -> str:
    """File name of an episode's log."""
    return f"episode_{episode:03d}.npz"
