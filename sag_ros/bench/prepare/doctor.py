"""``sag doctor``: what on this machine would keep the policy from running, and what to do about it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from sag_ros.bench.run import machine as hardware

State = Literal["ok", "note", "fail"]
_COLOURS = {"ok": "green", "note": "yellow", "fail": "red"}

# Each runs in a child process: a broken GL driver or middleware may end the process it is tried in.
_ROS_PROBE = "from sag_ros.ros.probe import main; main()"
_GL_PROBE = """
import mujoco
from OpenGL import GL
model = mujoco.MjModel.from_xml_string("<mujoco><worldbody><geom size='1'/></worldbody></mujoco>")
with mujoco.Renderer(model, 8, 8) as renderer:
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    renderer.update_scene(data)
    renderer.render()
    print(GL.glGetString(GL.GL_RENDERER).decode())
"""
_OPENVINO_PROBE = """
import numba
import openvino
core = openvino.Core()
print(openvino.__version__.split("-")[0], "| numba", numba.__version__,
      "|", core.get_property("CPU", "FULL_DEVICE_NAME"),
      "|", " ".join(core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")))
"""
_GPU_PROBE = """
import torch
from sag_ros.engines.gpu.device import cuda_obstacle
reason = cuda_obstacle()
if reason is not None:
    raise SystemExit(reason)
properties = torch.cuda.get_device_properties(0)
ones = torch.ones(256, 256, device="cuda", dtype=torch.float16)
assert float((ones @ ones)[0, 0]) == 256.0
print(f"{properties.name}, compute capability {properties.major}.{properties.minor}",
      "| torch", torch.__version__, "| CUDA", torch.version.cuda)
"""
_ENGINE_PROBE = "from sag_ros.bench.prepare.doctor import engine_line; print(engine_line({bundle!r}))"
_REALTIME_PROBE = "from sag_ros.realtime import probe_line; print(probe_line())"
_RATE_PROBE = "from sag_ros.bench.prepare.doctor import rate_line; print(rate_line({bundle!r}))"


@dataclass(frozen=True)
class Check:
    """Result of one check: what was found and, unless it is ok, what to do."""

    name: str
    state: State
    found: str
    remedy: str = ""


def probe(
    name: str, code: str, remedy: str, state: State = "fail", environment: dict[str, str] | None = None
) -> Check:
    """Run ``code`` in a child of this interpreter; its last line of output is what was found."""
    try:
        child = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, **(environment or {})},
        )
    except subprocess.TimeoutExpired:
        return Check(name, state, "no answer within 60 s", remedy)
    lines = (child.stdout if child.returncode == 0 else child.stderr).strip().splitlines()
    found = lines[-1] if lines else f"exit status {child.returncode}"
    return Check(name, "ok", found) if child.returncode == 0 else Check(name, state, found, remedy)


def check_python() -> Check:
    """Version of the interpreter."""
    version = ".".join(map(str, sys.version_info[:3]))
    if (3, 10) <= sys.version_info[:2] <= (3, 12):
        return Check("python", "ok", version)
    return Check("python", "fail", version, "use Python 3.10, 3.11 or 3.12")


def check_ros() -> Check:
    """rclpy starts a node."""
    return probe("ros 2", _ROS_PROBE, "source a ROS 2 installation, or install the extra [ros]")


def check_rendering() -> Check:
    """MuJoCo renders offscreen; needed for the simulated robot only."""
    backend = os.environ.get("MUJOCO_GL") or "egl"
    remedy = "extra [sim]; apt-get install libegl1 libgl1-mesa-dri, or libosmesa6 with MUJOCO_GL=osmesa"
    check = probe("rendering", _GL_PROBE, remedy, "note", {"MUJOCO_GL": backend})
    return Check(check.name, check.state, f"{backend}: {check.found}", check.remedy)


def check_openvino() -> Check:
    """OpenVINO, which encodes camera frames, and what it can do here."""
    return probe("openvino", _OPENVINO_PROBE, "extra [openvino]; without it the slow engine runs", "note")


def check_gpu() -> Check:
    """A GPU computes, where the driver lists one; a machine without is as good."""
    names = hardware.gpu_names()
    if not names:
        return Check("gpu", "ok", "none: the CPU computes")
    check = probe("gpu", _GPU_PROBE, "a CUDA build of torch that knows this GPU; see pytorch.org", "note")
    return Check(check.name, check.state, f"{', '.join(names)}: {check.found}", check.remedy)


def engine_line(name: str) -> str:
    """Which engine ``auto`` is for bundle ``name``, its formats, and why faster ones were passed over."""
    from sag_ros.engines.registry import choose
    from sag_ros.paths import model_folder
    from sag_ros.policy.bundle import load_bundle

    try:
        bundle = load_bundle(model_folder(name))
    except (OSError, ValueError):  # another check tells
        bundle = None
    engine, reasons = choose("auto", bundle)
    if engine == "native":
        from sag_ros.engines.native.microkernel import LANES, available_forms

        engine += f": {', '.join(available_forms())}, vectors of {LANES}"
    return " | ".join((engine, *reasons))


def check_engine(bundle: str = "models/pick_release") -> Check:
    """Which engine ``auto`` is for ``bundle``."""
    code = _ENGINE_PROBE.format(bundle=bundle)
    check = probe("engine", code, "extra [openvino]; without it the slow engine runs", "note")
    if check.state == "ok" and check.found.startswith("reference"):
        return Check(check.name, "note", check.found, "extra [openvino]")
    return check


def rate_line(name: str) -> str:
    """Chunks a second that this machine holds with bundle ``name``; raises SystemExit below 45."""
    from sag_ros.bench.prepare.advise import candidates
    from sag_ros.bench.prepare.rate import WANTED, measure
    from sag_ros.paths import model_folder
    from sag_ros.policy.bundle import load_bundle

    bundle = load_bundle(model_folder(name))
    first = candidates(bundle)[0]
    rate = measure(bundle, first.sampler, first.mask_source)
    line = f"{rate.name}, {rate.engine}: {rate.encode + rate.compute[0]:.1f} ms, {rate.chunks:.0f} chunks/s"
    if rate.chunks < WANTED:
        raise SystemExit(f"{line}, {WANTED:g} are wanted")
    return line


def check_rate(bundle: str = "models/pick_release") -> Check:
    """The policy holds its rate on one core."""
    return probe("rate", _RATE_PROBE.format(bundle=bundle), f"sag advise {bundle}", "note")


def check_processor() -> Check:
    """Cores and frequency governor."""
    governors = hardware.cpu_governors()
    cores = hardware.usable_cores()
    found = f"{hardware.cpu_name()}, {cores} cores, governor {', '.join(governors) or 'unknown'}"
    if governors and governors != ["performance"]:
        return Check(
            "processor", "note", found, "for steady latency: sudo cpupower frequency-set -g performance"
        )
    return Check("processor", "ok" if cores >= 2 else "note", found, "two cores are the least")


def check_kernel() -> Check:
    """Preemption model; a Franka arm wants a real-time kernel on the machine that runs libfranka."""
    try:
        with open("/sys/kernel/realtime") as file:
            realtime = file.read().strip() == "1"
    except OSError:
        realtime = False
    if realtime:
        return Check("kernel", "ok", f"{os.uname().release}, PREEMPT_RT")
    return Check(
        "kernel", "note", f"{os.uname().release}, not PREEMPT_RT", "only needed where libfranka runs"
    )


def check_real_time() -> Check:
    """Whether the policy may ask for what keeps others from delaying it: ``threads`` of policy_node."""
    remedy = "for a PC with other work, see docs/operators.md"
    return probe("real time", _REALTIME_PROBE, remedy, "note")


def check_bundle(name: str) -> Check:
    """The bundle loads and fits its contract."""
    try:
        from sag_ros.paths import model_folder
        from sag_ros.policy.bundle import load_bundle

        folder = model_folder(name)
        bundle = load_bundle(folder)
    except (ImportError, OSError, ValueError) as error:
        return Check("bundle", "fail", str(error), f"sag check-bundle {name} tells more")
    pruner = "with pruner" if bundle.pruner_state is not None else "without pruner"
    return Check("bundle", "ok", f"{folder}: {bundle.contract.task}, {pruner}, {bundle.weights_hash[:12]}")


def checks(bundle: str) -> Iterator[Callable[[], Check]]:
    """All checks, quick ones first."""
    yield from (check_python, check_processor, check_kernel, check_real_time)
    yield from (check_gpu, check_openvino)
    yield lambda: check_engine(bundle)
    yield lambda: check_rate(bundle)
    yield from (check_rendering, check_ros)
    yield lambda: check_bundle(bundle)


def main(bundle: str = "models/pick_release") -> int:
    """Check Python, CPU, kernel, GPU, engine, rendering, ROS 2 and the policy bundle.

    Args:
        bundle: folder of the policy bundle, or its name in models/.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    results = [check() for check in checks(bundle)]
    table = Table("check", "", "found", "what to do", title="sag doctor")
    for check in results:
        remedy = check.remedy if check.state != "ok" else ""
        table.add_row(check.name, Text(check.state, _COLOURS[check.state]), Text(check.found), Text(remedy))
    Console().print(table)
    return int(any(check.state == "fail" for check in results))
