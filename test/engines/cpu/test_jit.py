from __future__ import annotations

import os
import subprocess
import sys

CODE = """
import numpy as np
from sag_ros.engines.cpu.kernels import embed
x, weight, h = np.ones((2, 1)), np.ones((1, 4), np.float32), np.zeros((2, 4), np.float32)
embed(x, weight, np.ones((2, 4), np.float32), h)
print(float(h.sum()), sum(embed.stats.cache_hits.values()), sum(embed.stats.cache_misses.values()))
"""


def run(cache, **changes):
    environment = {**os.environ, "SAG_ROS_CACHE": str(cache), **changes}
    child = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, env=environment, timeout=300
    )
    assert child.returncode == 0, child.stderr
    return child.stdout.split()


def test_code_is_compiled_once(tmp_path):
    assert run(tmp_path) == ["16.0", "0", "1"]
    (folder,) = tmp_path.iterdir()
    assert folder.name.startswith("numba-")
    assert run(tmp_path) == ["16.0", "1", "0"]


def test_code_for_vectors_of_another_width_is_other_code(tmp_path):
    for lanes in ("8", "16"):
        assert run(tmp_path, SAG_ROS_VECTOR_LANES=lanes) == ["16.0", "0", "1"]
    assert {folder.name.rpartition("-")[2] for folder in tmp_path.iterdir()} == {"8", "16"}


def test_without_a_place_for_the_code_it_is_compiled_each_time(tmp_path):
    (tmp_path / "file").touch()
    for _ in range(2):
        assert run(tmp_path / "file")[:2] == ["16.0", "0"]
