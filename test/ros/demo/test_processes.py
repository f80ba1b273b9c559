from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from sag_ros.ros.demo import processes as demo_processes
from sag_ros.ros.demo.processes import NodeDied, Processes, private_environment


@dataclass(frozen=True)
class Script:
    """Stands in for a node: any Python text."""

    name: str
    code: str

    def command(self, parameter_file):
        return [sys.executable, "-c", self.code]


@dataclass(frozen=True)
class Scripts:
    nodes: tuple[Script, ...]
    parameter_file: Path = Path("none")


POLITE = """
import signal, sys, time
def end(*_): print("bye", flush=True); sys.exit(0)
signal.signal(signal.SIGINT, end)
print("ready", flush=True)
time.sleep(60)
"""
STUBBORN = POLITE.replace('print("bye", flush=True); sys.exit(0)', "pass").replace(
    "time.sleep(60)", "signal.signal(signal.SIGTERM, end)\nfor _ in range(600): time.sleep(0.1)"
)


def wait_for(path, text, seconds=20.0):
    deadline = time.monotonic() + seconds
    while text not in (path.read_text() if path.exists() else ""):
        assert time.monotonic() < deadline, f"{text!r} never appeared in {path}"
        time.sleep(0.02)


def test_nodes_end_politely(tmp_path):
    with Processes(Scripts((Script("a", POLITE), Script("b", POLITE))), tmp_path, {}) as processes:
        for name in "ab":
            wait_for(tmp_path / f"{name}.log", "ready")
        processes.check()
    assert processes.stop() == {"a": 0, "b": 0}
    assert (tmp_path / "a.log").read_text().split() == ["ready", "bye"]


def test_what_ignores_signals_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(demo_processes, "PATIENCE", (0.2, 0.2, 10.0))
    with Processes(Scripts((Script("a", STUBBORN),)), tmp_path, {}) as processes:
        wait_for(tmp_path / "a.log", "ready")
    assert processes.stop() == {"a": -signal.SIGKILL}


def test_a_dead_node_is_noticed_with_the_end_of_its_log(tmp_path):
    with Processes(Scripts((Script("a", "raise SystemExit('out of beans')"),)), tmp_path, {}) as processes:
        wait_for(tmp_path / "a.log", "beans")
        processes._running["a"].wait(20.0)
        with pytest.raises(NodeDied, match=r"a ended with status 1.*\n.*out of beans"):
            processes.check()


def interrupted(processes, log):
    with processes:
        wait_for(log, "ready")
        raise KeyboardInterrupt


def test_an_exception_ends_the_nodes(tmp_path):
    processes = Processes(Scripts((Script("a", POLITE),)), tmp_path, {})
    with pytest.raises(KeyboardInterrupt):
        interrupted(processes, tmp_path / "a.log")
    assert processes.stop() == {"a": 0}


def test_the_environment_is_private():
    environment = private_environment({"MUJOCO_GL": "osmesa", "ROS_DOMAIN_ID": "0"})
    assert environment["MUJOCO_GL"] == "osmesa"
    assert 1 <= int(environment["ROS_DOMAIN_ID"]) <= 101
    assert environment["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "LOCALHOST"
    assert Path(environment["FASTDDS_DEFAULT_PROFILES_FILE"]).is_file()


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_policy_and_simulator_do_not_share_cores(tmp_path):
    # The mask is set just after the start.
    code = POLITE.replace(
        'print("ready"', 'import os; time.sleep(0.5); print("ready", *os.sched_getaffinity(0)'
    )
    before = os.sched_getaffinity(0)
    with Processes(
        Scripts((Script("policy_node", code), Script("sim_node", code))), tmp_path, {}
    ) as processes:
        for name in ("policy_node", "sim_node"):
            wait_for(tmp_path / f"{name}.log", "\n")
    assert os.sched_getaffinity(0) == before
    assert processes.stop() == {"policy_node": 0, "sim_node": 0}
    own, other = (
        {int(word) for word in (tmp_path / f"{name}.log").read_text().split() if word.isdigit()}
        for name in ("policy_node", "sim_node")
    )
    assert own and other
    assert not own & other
    assert own | other == before


@pytest.mark.skipif(sys.platform != "linux", reason="needs prctl")
def test_nodes_end_with_a_killed_parent(tmp_path):
    """Nobody else ends them when the demo gets SIGKILL; an orphan would take a core from the next demo."""
    parent = subprocess.Popen(
        [
            sys.executable, "-c", "import subprocess, sys, time\n"
            "from sag_ros.ros.demo.processes import _end_with_parent\n"
            "code = 'import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(60)'\n"
            "child = subprocess.Popen([sys.executable, '-c', code], start_new_session=True,"
            " preexec_fn=_end_with_parent)\n"
            "print(child.pid, flush=True); time.sleep(60)",
        ],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 20.0
    while Path(f"/proc/{child}/cmdline").exists() and Path(f"/proc/{child}/cmdline").read_bytes():
        assert time.monotonic() < deadline, "the child outlived its parent"
        time.sleep(0.02)
