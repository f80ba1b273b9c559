"""The nodes of a graph as child processes in a ROS domain of their own."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from sag_ros.paths import config_file
from sag_ros.ros.affinity import cores
from sag_ros.ros.domains import claim
from sag_ros.ros.graph import Graph, GraphNode

PATIENCE = (8.0, 3.0, 3.0)  # s a node gets to end after SIGINT, SIGTERM, SIGKILL


class NodeDied(RuntimeError):
    """A node ended by itself; the text carries the end of its log."""


def private_environment(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """Environment in which these nodes find each other and nobody else.

    A domain that no other graph on this machine uses, discovery on this machine only, shared memory large
    enough for images, one thread per library (two cores have other work), offscreen rendering unless told
    otherwise.
    """
    environment = dict(os.environ if base is None else base)
    profile = str(config_file("fastdds.xml"))
    environment |= {
        "ROS_DOMAIN_ID": str(_own_domain(os.getpid())),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "FASTDDS_DEFAULT_PROFILES_FILE": profile,
        "FASTRTPS_DEFAULT_PROFILES_FILE": profile,
        "PYTHONUNBUFFERED": "1",
    }
    # Software GL (llvmpipe) would spread each small picture over all cores and wait for the slowest.
    for name, value in (("OMP_NUM_THREADS", "1"), ("MUJOCO_GL", "egl"), ("LP_NUM_THREADS", "0")):
        environment.setdefault(name, value)
    return environment


@cache
def _own_domain(process: int) -> int:
    """Claimed once for each ``process``: a child has another than its parent."""
    return claim()


POLICY_NODE = "policy_node"
_PR_SET_PDEATHSIG = 1  # <sys/prctl.h>


def _end_with_parent() -> None:
    """In a child before it becomes a node: SIGTERM when the parent dies, even by SIGKILL (Linux)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Processes:
    """Starts the nodes of a graph and ends them, whatever happens. A context manager.

    Args:
        graph: what to start.
        folder: each node logs to ``<name>.log`` here.
        environment: see :func:`private_environment`.
    """

    def __init__(self, graph: Graph, folder: Path, environment: Mapping[str, str]) -> None:
        self._graph, self._folder, self._environment = graph, folder, dict(environment)
        self._running: dict[str, subprocess.Popen] = {}
        self._cores = cores()

    def __enter__(self) -> Processes:
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            for node in self._graph.nodes:
                self._start(node, "w")
        except BaseException:
            self.stop()
            raise
        return self

    def _start(self, node: GraphNode, mode: str) -> None:
        with (self._folder / f"{node.name}.log").open(mode) as log:
            # A session of its own: Ctrl-C reaches us alone, and we end the nodes in order.
            self._running[node.name] = subprocess.Popen(
                node.command(self._graph.parameter_file),
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )
        self._place(node.name)

    def restart(self, name: str) -> None:
        """Start a node that has ended once more."""
        self._start(self._graph.node(name), "a")

    def process(self, name: str) -> subprocess.Popen:
        """Of a node."""
        return self._running[name]

    def _place(self, name: str) -> None:
        """Give the policy its own cores and everybody else the rest, as if the robot were elsewhere.

        One core for the chain of matrix products and, where there are three, one for its other threads.
        """
        count = len(self._cores)
        if count > 1:
            first = self._cores[: min(2, count - 1)]
            rest = self._cores[len(first) :]
            os.sched_setaffinity(self._running[name].pid, first if name == POLICY_NODE else rest)
            os.sched_setaffinity(0, rest)

    def __exit__(self, *_: object) -> None:
        self.stop()

    def check(self) -> None:
        """Raise NodeDied when a node has ended."""
        for name, process in self._running.items():
            if process.poll() is not None:
                raise NodeDied(
                    f"{name} ended with status {process.returncode}; its log says:\n{self.tail(name)}"
                )

    def tail(self, name: str, lines: int = 12) -> str:
        """The last lines of a node's log."""
        try:
            text = (self._folder / f"{name}.log").read_text(errors="replace")
        except OSError:
            return "(no log)"
        return "\n".join(text.strip().splitlines()[-lines:]) or "(empty log)"

    def stop(self) -> dict[str, int]:
        """End all nodes, politely first. Returns their exit statuses."""
        os.sched_setaffinity(0, self._cores)
        for number, patience in zip((signal.SIGINT, signal.SIGTERM, signal.SIGKILL), PATIENCE, strict=True):
            alive = [process for process in self._running.values() if process.poll() is None]
            if not alive:
                break
            for process in alive:
                process.send_signal(number)
            deadline = time.monotonic() + patience
            for process in alive:
                try:
                    process.wait(max(0.01, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    continue
        return {name: process.poll() for name, process in self._running.items()}
