from __future__ import annotations

import json
import mmap
import os

from sag_ros.bench.run import machine as hardware


def test_describe_is_complete_and_json():
    found = json.loads(json.dumps(hardware.describe()))
    assert found["cpu"]
    assert found["cores"] == len(os.sched_getaffinity(0))
    assert {"numpy", "torch"} <= found["packages"].keys()


def test_gpus_without_a_driver(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert hardware.gpu_names() == []


def test_gpus_are_listed(monkeypatch, tmp_path):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'Card A'\necho 'Card B'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert hardware.gpu_names() == ["Card A", "Card B"]


def test_resident_memory_grows_with_what_is_written():
    before = hardware.resident_mb()
    # Asked of the system itself: the allocator may still hold that much, written to by an earlier test.
    block = mmap.mmap(-1, 50_000_000)
    for _ in range(50):
        block.write(b"x" * 1_000_000)
    assert 40 < hardware.resident_mb() - before < 70
    assert hardware.peak_mb() >= hardware.resident_mb() - 1
    block.close()


def test_one_core():
    before = os.sched_getaffinity(0)
    with hardware.one_core():
        assert os.sched_getaffinity(0) == {max(before)}
    assert os.sched_getaffinity(0) == before
