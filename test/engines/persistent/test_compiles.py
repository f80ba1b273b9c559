"""The kernel at the shipped size, compiled for GPUs that need not be there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("triton")


@pytest.mark.parametrize(
    ("capability", "shared", "parts"), [(90, 227 * 1024, 4), (89, 99 * 1024, 1)], ids=["9.0", "8.9"]
)
def test_compiles(tmp_path, capability, shared, parts):
    """Within the shared memory, on tensor cores, weights on their way ahead, few registers in memory."""
    wanted = {"capability": capability, "shared": shared, "parts": parts, "folder": str(tmp_path)}
    # Triton looks at TRITON_INTERPRET when it is imported, so another process.
    environment = {key: value for key, value in os.environ.items() if key != "TRITON_INTERPRET"}
    environment["TRITON_CACHE_DIR"] = str(tmp_path / "cache")
    environment["PYTHONPATH"] = str(Path(__file__).parents[3])
    script = Path(__file__).with_name("compile_persistent.py")
    done = subprocess.run(
        [sys.executable, script, json.dumps(wanted)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["shared"] <= shared
    assert found["HMMA"] > 100
    assert found["LDGSTS"] > 10
    assert found["stack"] <= 256
