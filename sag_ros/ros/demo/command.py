"""``sag demo``: policy and simulated robot as ROS 2 nodes, episode by episode, with a live table.

Afterwards ``summary.json``, ``report.png`` and a video of each episode lie in the output folder.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import rclpy
from rclpy.signals import SignalHandlerOptions
from rich.console import Console
from rich.live import Live

from sag_ros.bench.run import machine as hardware
from sag_ros.fci.emulator import Emulator, Unavailable
from sag_ros.robots.registry import find_arm
from sag_ros.ros.demo import report
from sag_ros.ros.demo import table as demo_table
from sag_ros.ros.demo.monitor import GraphTimeout, Monitor
from sag_ros.ros.demo.processes import NodeDied, Processes, private_environment
from sag_ros.ros.demo.run_record import Episode, summarise
from sag_ros.ros.graph import Graph, emulated, pick_release
from sag_ros.ros.parameters import ParameterError, load_file
from sag_ros.ros.schema import SimNode
from sag_ros.ros.sim.episode_log import load_episode, log_name

CONFIGURE_SECONDS = 300.0  # compiling and the reference comparison, on a busy machine
RECORDINGS = "recordings"  # in the output folder
SETTLE_SECONDS = 0.7  # shown after a success


@dataclass(frozen=True)
class Options:
    """Options of the demo."""

    # sim, or fci: an emulated FR3 behind libfranka executes the same commands and judges them.
    robot: Literal["sim", "fci"] = "sim"
    # Number of episodes.
    episodes: int = 3
    # Seed of the first episode; each next counts one up.
    seed: int = 1000
    # Seconds after which an episode has failed.
    timeout: float = 20.0
    # Folder for summary, report, videos and the logs of the nodes.
    out: Path = Path("out/demo")
    # ROS 2 parameter file instead of config/pick_release.yaml.
    params: Path | None = None
    # Policy folder instead of the one in the parameter file.
    bundle: str = ""
    # Engine, mask source and sampler instead of those in the parameter file.
    engine: str = ""
    mask_source: str = ""
    sampler: str = ""
    # MuJoCo window: auto opens one when there is a display.
    viewer: Literal["auto", "on", "off"] = "auto"
    # Render a video of each episode.
    video: bool = True
    # Serve a page that shows the graph, with buttons: see docs/view.md.
    view: bool = False
    # Of that page, on this machine.
    view_port: int = 8088
    # Namespace of all nodes and topics, as left.
    namespace: str = ""
    # Run the flight recorder beside it; recordings lie in the output folder. It needs a core to spare.
    record: bool = False


def describe(options: Options) -> Graph:
    """The graph that is run; every parameter is checked here, before anything starts."""
    named = {
        "bundle": str(Path(options.bundle).resolve()) if Path(options.bundle).is_dir() else options.bundle,
        "engine": options.engine,
        "mask_source": options.mask_source,
        "sampler": options.sampler,
    }
    build = emulated if options.robot == "fci" else pick_release
    graph = build(
        parameter_file=options.params,
        policy={name: value for name, value in named.items() if options.bundle or name != "bundle" if value},
        sim={
            "seed": options.seed,
            "log_folder": str((options.out / "episodes").resolve()),
            "viewer": options.viewer,
        },
    )
    if options.view:
        graph = graph.watched({"port": options.view_port})
    if options.record and find_spec("mcap") is not None:  # it is an extra
        graph = graph.recorded({"folder": str((options.out / RECORDINGS).resolve())})
    if options.namespace:
        graph = graph.within(options.namespace)
    for node in graph.nodes:
        load_file(graph.parameter_file, node.name, node.parameters)
    return graph


class Demo:
    """Runs the episodes of one demo. ``done`` holds those that ended."""

    def __init__(self, options: Options, console: Console) -> None:
        self.options, self.console = options, console
        self.done: list[Episode] = []
        self.phase = "starting"
        self.engine = ""
        self.driver: dict[str, str] = {}
        self._live: Live | None = None
        self._drawn = 0.0

    def run(self, graph: Graph, environment: dict[str, str]) -> None:
        """Start the nodes, run all episodes, end the nodes.

        Raises:
            NodeDied, GraphTimeout: with a text for a person.
        """
        with Processes(graph, self.options.out / "logs", environment) as processes:
            monitor = Monitor(check=processes.check, idle=self._draw, namespace=graph.namespace)
            self._monitor = monitor
            try:
                with Live(console=self.console, auto_refresh=False, transient=True) as self._live:
                    self._show("loading, compiling and checking the policy")
                    monitor.transition("configure", CONFIGURE_SECONDS)
                    self.engine = monitor.diagnostics.get("engine", "")
                    for _ in range(self.options.episodes):
                        self.done.append(self._episode(monitor))
                        self.engine = monitor.diagnostics.get("engine", self.engine)
                        self.driver = monitor.driver
            finally:
                self._live = None
                monitor.close()

    def _episode(self, monitor: Monitor) -> Episode:
        self._show("resetting")
        if self.options.robot == "fci":
            monitor.go_home()
        begun = monitor.reset()
        number = begun["episode"]
        monitor.wait(lambda: monitor.status.get("episode") == number, 20.0, "task status of the new episode")
        episode = monitor.episode = Episode(number, begun["seed"])
        start = time.monotonic()
        monitor.transition("activate", 15.0, retry=15.0)
        self._show("running")
        monitor.wait(lambda: bool(monitor.status.get("success")), self.options.timeout)
        episode.duration = time.monotonic() - start
        monitor.wait(lambda: False, SETTLE_SECONDS)
        episode.policy = monitor.message
        monitor.transition("deactivate", 15.0)
        monitor.wait(lambda: False, 0.3)  # the monitor sees the deceleration, too
        status = monitor.status
        episode.success, episode.message = bool(status.get("success")), str(status.get("message", ""))
        episode.limit_violations = int(status.get("limit_violations", 0))
        for worst in status.get("worst", {}).values():
            self.console.print(
                f"[red]limit violation[/] in episode {number}: {worst}; commands came up to "
                f"{status.get('worst_delay_ms', 0.0):.0f} ms after their first sample"
            )
        monitor.episode = None
        self._report(episode)
        return episode

    def _report(self, episode: Episode) -> None:
        mark = "[bold green]✓[/]" if episode.success else "[bold red]✗[/]"
        latency = demo_table.percentiles([chunk.latency_ms for chunk in episode.executed])
        rate = demo_table.chunk_rate([episode])
        self.console.print(
            f"{mark} episode {episode.number} (seed {episode.seed}): {episode.message}, "
            f"{episode.duration:.1f} s, {rate:.1f} chunks/s, "
            f"latency {latency['p50']:.1f} ms (p99 {latency['p99']:.1f})"
        )
        if not episode.success and episode.policy:
            self.console.print(f"  policy_node: {episode.policy}")

    def _show(self, phase: str) -> None:
        self.phase = phase
        self._drawn = 0.0
        self._draw()

    def _draw(self) -> None:
        if self._live is None or time.monotonic() - self._drawn < 0.25:
            return
        self._drawn = time.monotonic()
        panel = demo_table.live(self._monitor, self.done, self.options.episodes, self.phase)
        self._live.update(panel, refresh=self.console.is_terminal)


def write_results(demo: Demo, simulated: SimNode) -> dict[str, Any]:
    """Write summary, report and videos of the episodes that ended; returns the summary."""
    options, console = demo.options, demo.console
    summary = summarise(demo.done, demo.engine, hardware.describe())
    if demo.driver:
        summary["fci"] = demo.driver
    (options.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    report.draw(demo.done, demo.engine, options.out / "report.png")
    if options.video and demo.done:
        _render_videos(demo, simulated)
    console.print(demo_table.final(summary))
    if demo.driver:
        names = ("control_command_success_rate", "cycles", "lost_cycles", "reflexes", "refused")
        console.print("FCI: " + ", ".join(f"{name.replace('_', ' ')} {demo.driver[name]}" for name in names))
    console.print(f"summary.json, report.png and videos: [bold]{options.out}[/]")
    for recording in sorted((options.out / RECORDINGS).glob("*.mcap")):
        console.print(f"recording: {recording}; sag replay computes it again")
    return summary


def _render_videos(demo: Demo, simulated: SimNode) -> None:
    from sag_ros.ros.demo import video
    from sag_ros.sim.robot import SimulatedRobot

    robot = SimulatedRobot(simulated.task, arm=find_arm(simulated.arm))
    with demo.console.status("rendering videos") as status:
        for episode in demo.done:
            log = demo.options.out / "episodes" / log_name(episode.number)
            if not log.is_file():
                continue
            status.update(f"rendering the video of episode {episode.number}")
            robot.reset(episode.seed)
            until = episode.executed[-1].publish_stamp + 0.3 if episode.executed else float("inf")
            path = demo.options.out / f"episode_{episode.number:03d}.mp4"
            video.render(robot, load_episode(log), episode, path, until)


def main(options: Options) -> int:
    """Run the demo; 0, 1 when a node died or refused, 2 for wrong parameters, 130 when interrupted."""
    console = Console()
    environment = private_environment()
    os.environ.update(environment)
    try:
        graph = describe(options)
    except ParameterError as error:
        console.print(f"[red]refused parameters:[/]\n{error}", markup=True, highlight=False)
        return 2
    for stale in ("episodes", "logs", RECORDINGS):
        shutil.rmtree(options.out / stale, ignore_errors=True)
    for old in options.out.glob("episode_*.mp4"):
        old.unlink()
    options.out.mkdir(parents=True, exist_ok=True)
    simulated: Any = load_file(graph.parameter_file, "sim_node", graph.node("sim_node").parameters)
    for number in (signal.SIGTERM, signal.SIGHUP):  # a closed terminal must not leave nodes behind
        signal.signal(number, _interrupt)
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    demo = Demo(options, console)
    status = 0
    if options.view:
        console.print(f"open [bold]http://127.0.0.1:{options.view_port}/[/] in a browser", highlight=False)
    try:
        with _robot(options):
            demo.run(graph, environment)
    except (NodeDied, GraphTimeout, Unavailable) as error:
        console.print(f"[bold red]{error}[/]", highlight=False)
        console.print(f"logs of the nodes: {options.out / 'logs'}")
        status = 1
    except KeyboardInterrupt:
        console.print("interrupted; the nodes have ended")
        status = 130
    finally:
        rclpy.try_shutdown()
    if demo.done and status != 130:
        write_results(demo, simulated)
    return status


def _robot(options: Options) -> AbstractContextManager[object]:
    return Emulator(options.out / "logs" / "emulated_fr3.log") if options.robot == "fci" else nullcontext()


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    import tyro

    sys.exit(tyro.cli(main, config=(tyro.conf.OmitArgPrefixes,)))
