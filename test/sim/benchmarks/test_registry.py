from __future__ import annotations

import pytest

from sag_ros.sim.benchmarks.registry import BENCHMARKS, is_benchmark, make_benchmark


def test_the_tasks_of_the_paper():
    assert set(BENCHMARKS) == {"lift", "can", "square", "transport", "tool_hang", "kitchen"}


def test_names():
    assert is_benchmark("square")
    assert is_benchmark("square_mixed")
    assert not is_benchmark("pick_release")
    with pytest.raises(ValueError, match="'tool_hang' has no demonstrations of several people"):
        make_benchmark("tool_hang_mixed")
    with pytest.raises(KeyError, match=r"no benchmark 'cube'.*lift"):
        make_benchmark("cube")
