"""Which processes are the graph's, and what their threads use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sag_ros.ros.latency.usage import ThreadUse, Usage, graph_processes


def process(proc: Path, pid: int, domain: str | None, *arguments: str) -> None:
    folder = proc / str(pid)
    (folder / "task").mkdir(parents=True)
    (folder / "cmdline").write_bytes("\0".join(arguments).encode())
    text = "HOME=/\0" + (f"ROS_DOMAIN_ID={domain}" if domain is not None else "X=1")
    (folder / "environ").write_bytes(text.encode())


def thread(proc: Path, pid: int, number: int, name: str, ticks: int, displaced: int) -> None:
    folder = proc / str(pid) / "task" / str(number)
    folder.mkdir(exist_ok=True)
    (folder / "comm").write_text(name + "\n")
    before = " ".join(["S", *"0" * 10])
    (folder / "stat").write_text(f"{number} (a) b) {before} {ticks} {ticks} 0 0")
    (folder / "status").write_text(f"Name:\t{name}\nnonvoluntary_ctxt_switches:\t{displaced}\n")


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    node = ("python", "-m", "sag_ros.ros.policy.node", "--ros-args", "-r", "__node:=policy_node")
    process(tmp_path, 7, "12", *node)
    process(tmp_path, 8, "12", "/opt/lib/sag_ros/sim_node", "--ros-args", "-r", "__node:=sim_node")
    process(tmp_path, 9, "13", *node)
    process(tmp_path, 10, None, "somebody", "-r", "__node:=other")
    process(tmp_path, 11, "", *node)
    (tmp_path / "12").mkdir()  # one that is just ending
    return tmp_path


def test_nodes_of_a_domain(proc: Path) -> None:
    assert graph_processes("12", proc) == {7: "policy_node", 8: "sim_node"}
    assert graph_processes("0", proc) == {11: "policy_node"}


def test_shares_of_a_core(proc: Path) -> None:
    thread(proc, 7, 7, "python", 0, 0)
    thread(proc, 7, 71, "inference", 100, 5)
    thread(proc, 8, 81, "dds.shm", 0, 0)
    usage = Usage("12", proc)
    thread(proc, 7, 71, "inference", 200, 25)
    thread(proc, 7, 72, "inference", 50, 0)  # begun since
    thread(proc, 8, 81, "dds.shm", 10, 0)
    tick = os.sysconf("SC_CLK_TCK")
    found = usage.shares(10.0)
    assert [(one.node, one.thread) for one in found] == [
        ("policy_node", "inference"),
        ("sim_node", "dds.shm"),
    ]
    assert found[0] == ThreadUse("policy_node", "inference", pytest.approx(2 * 150 / tick / 10.0), 2.0)


def test_a_thread_that_ended_counts_until_it_was_seen_last(proc: Path) -> None:
    thread(proc, 7, 71, "inference", 0, 0)
    usage = Usage("12", proc)
    thread(proc, 7, 71, "inference", 100, 3)
    usage.sample()
    (proc / "7" / "task" / "71" / "stat").unlink()
    thread(proc, 7, 72, "inference", 50, 1)  # the next one of that name
    tick = os.sysconf("SC_CLK_TCK")
    assert usage.shares(10.0) == [
        ThreadUse("policy_node", "inference", pytest.approx(2 * 150 / tick / 10.0), 0.4)
    ]


def test_a_process_that_ended_meanwhile_uses_nothing(proc: Path) -> None:
    thread(proc, 7, 71, "inference", 100, 0)
    usage = Usage("12", proc)
    (proc / "7" / "task" / "71" / "stat").unlink()
    assert usage.shares(1.0) == []
