from __future__ import annotations

import os
from dataclasses import replace

import pytest

from sag_ros.bench.faults.holding import Holding, least


def test_it_sees_a_descriptor_more(tmp_path) -> None:
    before = Holding.of(os.getpid())
    with (tmp_path / "file").open("w"):
        now = Holding.of(os.getpid())
    assert now.descriptors == before.descriptors + 1
    assert now.memory > 10.0


def test_what_is_left_over_is_named() -> None:
    before = Holding(10, 50, 300.0)
    assert before.left_over(before) == []
    assert replace(before, threads=9, descriptors=40, memory=315.0).left_over(before) == []
    assert replace(before, threads=11).left_over(before) == ["11 threads, before 10"]
    assert replace(before, descriptors=51).left_over(before) == ["51 open descriptors, before 50"]
    assert replace(before, memory=400.0).left_over(before) == ["400 MiB, before 300"]


def test_a_leak_is_seen_beside_what_comes_and_goes() -> None:
    steady = [Holding(29, 24, memory) for memory in (869.0, 642.0, 881.0, 644.0)]
    assert least(steady[2:]).left_over(least(steady[:2])) == []
    leaking = [Holding(29 + n, 24, 600.0 + 30.0 * n) for n in range(4)]
    found = least(leaking[2:]).left_over(least(leaking[:2]))
    assert found == ["31 threads, before 29", "660 MiB, before 600"]


def test_a_process_that_is_gone_is_an_error() -> None:
    with pytest.raises(OSError):
        Holding.of(2**22 + 1)
