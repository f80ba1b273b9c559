"""``sag check-bundle``: does a policy bundle load, and does the engine agree with the reference?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import tyro

if TYPE_CHECKING:
    from sag_ros.engines.protocol import Engine
    from sag_ros.engines.runner import PolicyRunner
    from sag_ros.policy.bundle import PolicyBundle
    from sag_ros.policy.contract import Contract

# What the engine may deviate from the reference, relative to the largest action: of exact arithmetic, and
# of half precision, whose rounding shows after a hundred steps.
TOLERANCE = {"f32": 1e-3, "bf16": 5e-2, "f16": 5e-2, "int16": 1e-2}


def summary(bundle: PolicyBundle, folder: Path) -> dict[str, str]:
    """The contract in a few lines."""
    from sag_ros.pruning.stored import stored_names

    contract = bundle.contract
    sizes = [f"{name} {camera.height}×{camera.width}" for name, camera in contract.cameras.items()]
    weights = sum(path.stat().st_size for path in folder.rglob("*.safetensors"))
    return {
        "task": contract.task,
        "cameras": ", ".join(sizes),
        "joints": ", ".join(contract.joints),
        "state": ", ".join(contract.state),
        "action": _actions(contract),
        "chunk": (
            f"{contract.action_steps} of {contract.horizon} actions at {1 / contract.control_period:g} Hz "
            f"from {contract.observation_steps} observations"
        ),
        "diffusion": f"{contract.diffusion.steps} steps, {contract.diffusion.schedule}",
        "network": network_text(contract),
        "pruner": "yes" if bundle.pruner_state is not None else "none: mask source sag cannot be used",
        "schedules": ", ".join(stored_names(bundle)) or "none",
        "weights": f"{weights / 1e6:.1f} MB, sha256 {bundle.weights_hash[:16]}",
    }


def sources_of(bundle: PolicyBundle) -> list[str]:
    """Mask sources that a bundle is compared with: all blocks, some, and its own."""
    if bundle.contract.unet is not None:
        return ["dense"]
    return ["dense", "random9", *(["sag"] if bundle.pruner_state is not None else [])]


def network_text(contract: Contract) -> str:
    """The denoiser in words."""
    if contract.unet is not None:
        levels = ", ".join(map(str, contract.unet.down_dims))
        return f"U-Net with {levels} channels, kernel {contract.unet.kernel_size}"
    network = contract.transformer
    return f"{network.layers} layers, {network.heads} heads, width {network.width}"


def _actions(contract: Contract) -> str:
    """What an action is, in words."""
    kind, gripper = contract.action[0].meaning, contract.action[-1].meaning
    if contract.commands_setpoints:
        return f"{contract.action_dim} setpoints of the benchmark {contract.task}"
    if contract.tcp is None or not contract.commands_poses:
        return f"{kind} of {len(contract.joints)} joints, {gripper}"
    tcp = contract.tcp
    relative = "" if tcp.relative == "no" else f", relative: {tcp.relative}, frame: {tcp.frame}"
    return f"pose of the tool centre point ({tcp.rotation}{relative}), {gripper}"


def observations(runner: Any, count: int, seed: int = 0) -> list[np.ndarray]:
    """``count`` feature arrays (To, D) of smooth random pictures and states inside the normaliser's range."""
    contract = runner.bundle.contract
    rng = np.random.default_rng(seed)
    scale, offset = (value.double().numpy() for value in runner.bundle.normaliser.vectors("state"))
    found = []
    for _ in range(count):
        frames = []
        for _ in range(contract.observation_steps):
            frame = {}
            for name, camera in contract.cameras.items():
                coarse = rng.integers(0, 256, (7, 7, 3)).astype(np.uint8)
                rows = np.arange(camera.height) * 7 // camera.height
                columns = np.arange(camera.width) * 7 // camera.width
                frame[name] = runner.encode(name, np.ascontiguousarray(coarse[rows][:, columns]))
            frames.append(frame)
        states = (rng.uniform(-1, 1, (contract.observation_steps, contract.state_dim)) - offset) / scale
        found.append(runner.features(frames, states))
    return found


def sampler_of(bundle: PolicyBundle) -> str:
    """The first sampler that the weights are for; raises ValueError when this version has none."""
    from sag_ros.policy.samplers import samplers_for

    training = bundle.contract.diffusion.training
    samplers = samplers_for(training)
    if not samplers:
        raise ValueError(f"this version has no sampler for a policy with diffusion.training {training!r}")
    return samplers[0]


def verdict(mask_source: str, engine: str, error: float, allowed: float) -> str:
    """One line: does ``engine`` agree with the reference?"""
    agrees = "agrees with" if error <= allowed else "DIFFERS FROM"
    return f"{mask_source:8s} {engine} {agrees} reference: error {error:.1e}, allowed {allowed:.0e}"


def error_of(engine: Engine, runner: PolicyRunner, count: int) -> float:
    """Largest relative error of ``engine`` over ``count`` observations, encoded and masked by ``runner``."""
    from sag_ros.engines.compare import largest_error
    from sag_ros.pruning.plan import make_plan

    worst = 0.0
    for features in observations(runner, count):
        plan = make_plan(runner.mask_source.mask(features), runner.mask_source.reuse)
        worst = max(worst, largest_error(engine, runner.bundle, runner.table, plan, [features]))
    return worst


def compare(bundle: PolicyBundle, engine: str, mask_source: str, count: int) -> tuple[str, float, float]:
    """Engine name, largest relative error over ``count`` observations, and what is tolerated."""
    from sag_ros.engines.runner import PolicyRunner

    runner = PolicyRunner(bundle, sampler_of(bundle), mask_source, engine)
    precision = getattr(runner.engine, "precision", "f32")
    return runner.engine_name, error_of(runner.engine, runner, count), TOLERANCE[precision]


def main(
    bundle: Annotated[str, tyro.conf.Positional] = "models/pick_release", engine: str = "auto", count: int = 2
) -> int:
    """Load and validate a policy bundle, then compare the engine with the reference, dense and pruned.

    Args:
        bundle: folder of the bundle, or its name in models/.
        engine: auto, tensorrt, cuda_graph, persistent, native, openvino or reference.
        count: observations compared; each costs a run of the reference, about a second.
    """
    from rich.console import Console
    from rich.table import Table

    from sag_ros.paths import model_folder
    from sag_ros.policy.bundle import load_bundle

    folder = model_folder(bundle)
    loaded = load_bundle(folder)
    console = Console()
    table = Table(show_header=False, title=str(folder))
    for key, value in summary(loaded, folder).items():
        table.add_row(key, value)
    console.print(table)
    agree = True
    for mask_source in sources_of(loaded):
        name, error, allowed = compare(loaded, engine, mask_source, count)
        agree &= error <= allowed
        console.print(verdict(mask_source, name, error, allowed))
    return 0 if agree else 1
