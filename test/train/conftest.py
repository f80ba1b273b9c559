from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sag_ros.data.demonstrations import DemonstrationWriter, Episode

ATTRIBUTES = {
    "period": 0.05,
    "task": "point_at_square",
    "joints": [f"fr3_joint{i}" for i in range(1, 8)],
    "privileged": ["square_x", "square_y"],
}


def write_store(path: Path, episodes: int = 6, frames: int = 24, size: int = 24) -> Path:
    """Episodes in which a bright square stands somewhere and the joints move towards a place it sets."""
    writer = DemonstrationWriter(path, ATTRIBUTES)
    for seed in range(episodes):
        rng = np.random.default_rng(seed)
        row, column = rng.integers(2, size - 6, 2)
        image = np.full((size, size, 3), 60, np.uint8)
        image[row : row + 4, column : column + 4] = (220, 40, 40)
        square = np.array([column, row]) / size - 0.5
        goal = np.concatenate([np.tile(square, 4)[:7], [0.04]])
        state = np.linspace(0, 1, frames + 1)[:, None] * goal
        images = np.tile(image, (frames, 1, 1, 1))
        writer.append(
            Episode(
                images={"front": images, "wrist": images[:, :, ::-1].copy()},
                state=state[:-1],
                action=state[1:],
                privileged=np.tile(square, (frames, 1)),
                seed=seed,
            )
        )
    return path


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_store(tmp_path_factory.mktemp("data") / "squares.zarr")
