"""``sag import``: a checkpoint of another project becomes a bundle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from sag_ros.policy.meanings import Placement, Rotation


@dataclass(frozen=True)
class PolicyImport:
    """Make a bundle of a checkpoint of Diffusion Policy or LeRobot; nothing that is in it is executed.

    Transformers and U-Nets, on images or on numbers alone. What it does not say has to be given: which of its
    low-dimensional observations are the joint positions and the gripper width, the joints' names, and the
    time from one action to the next.
    """

    checkpoint: Annotated[Path, tyro.conf.Positional]
    """.ckpt file of Diffusion Policy, or folder of a LeRobot diffusion policy"""
    out: Annotated[Path, tyro.conf.Positional]
    """folder of the bundle"""
    state: tuple[str, ...]
    """low-dimensional observations in order: joint positions (rad), then the gripper width (m); or each as
    name=part, a part being joint_position, tcp_position, tcp_rotation, gripper_width, gripper_fingers, or
    signal for what another topic tells (signal:14 where the checkpoint knows a vector alone, as LeRobot's)"""
    period: float
    """s from one action to the next: one over the rate of the demonstrations"""
    arm: str = "fr3"
    """whose joints they are"""
    actions: Literal["joint_position", "joint_offset", "joint_step", "tcp"] = "joint_position"
    """of the joints: where to be, how far from the newest observation, how far from the action before; tcp:
    poses of the tool centre point"""
    rotation: Rotation | None = None
    """how poses of the actions give it"""
    state_rotation: Rotation | None = None
    """how those of the state do; by default as in the actions"""
    relative: Literal["no", "observed", "step"] = "no"
    """poses of the actions: in the arm's base frame, from the newest observation, from the action before"""
    frame: Literal["base", "tool"] = "base"
    """along whose axes relative poses are"""
    base_frame: tuple[float, ...] = ()
    """where the base frame of its poses is in that of the arm: x y z (m), quaternion x y z w"""
    tool_frame: tuple[float, ...] = ()
    """where its tool is in that of the arm: x y z (m), quaternion x y z w"""
    gripper: tuple[float, float] | None = None
    """values of its action that open and close it; by default the action is its width, m"""
    weights: Literal["ema_model", "model"] = "ema_model"
    """averaged weights, which are what was evaluated, or the last ones"""
    half: bool = False
    """keep weights in fp16: half of the space, rounded"""

    def run(self) -> int:
        """Returns: 0, or 1 if the checkpoint is refused."""
        from rich.console import Console

        from sag_ros.bench.prepare.check_bundle import network_text
        from sag_ros.policy.bundle import save_bundle
        from sag_ros.policy.contract_file import BundleError
        from sag_ros.policy.importers.archive import ArchiveError
        from sag_ros.policy.importers.diffusion_policy import import_checkpoint
        from sag_ros.policy.importers.meaning import ImportRefused, Meaning
        from sag_ros.policy.meanings import BinaryGripper, TcpSpec
        from sag_ros.robots.registry import find_arm

        console = Console()
        arm = find_arm(self.arm)
        binary = None
        if self.gripper is not None:
            opened, closed = self.gripper
            binary = BinaryGripper(
                open=opened, closed=closed, width_open=arm.gripper.width_max, width_closed=0.0
            )
        names, parts = zip(*((*name.split("=", 1), "")[:2] for name in self.state), strict=True)
        if any(parts) and not all(parts):
            console.print("[red]refused[/]: say of every observation what it is, name=part, or of none")
            return 1
        rotation = self.rotation or self.state_rotation
        tcp = None
        if rotation is not None:
            tcp = TcpSpec(
                rotation=rotation,
                state_rotation=self.state_rotation,
                relative=self.relative,
                frame=self.frame,
                base=_placement("--base-frame", self.base_frame),
                tool=_placement("--tool-frame", self.tool_frame),
            )
        own = parts if any(parts) else ()
        meaning = Meaning(names, arm.joints, self.period, self.actions, binary, self.weights, own, tcp)
        try:
            found = import_checkpoint(self.checkpoint, meaning)
            bundle = save_bundle(self.out, found.bundle, self.half)
        except (ArchiveError, BundleError, ImportRefused) as error:
            console.print(f"[red]refused[/]: {error}", highlight=False)
            return 1
        contract = bundle.contract
        size = f"T {contract.horizon}, {network_text(contract)}, K {contract.diffusion.steps}"
        cameras = ", ".join(f"{name} {one.height} x {one.width}" for name, one in contract.cameras.items())
        signals = ", ".join(f"{name} ({one.size})" for name, one in contract.signals.items())
        seen = f"cameras {cameras or 'none'}" + (f", signals {signals}" if signals else "")
        console.print(f"{self.out}: {contract.task}; {size}; {seen}", highlight=False)
        for remark in found.remarks:
            console.print(f"[yellow]note[/]: {remark}", highlight=False)
        console.print(f"next: sag check-bundle {self.out}; sag advise {self.out}", highlight=False)
        return 0


def _placement(option: str, numbers: tuple[float, ...]) -> Placement | None:
    if not numbers:
        return None
    if len(numbers) != 7:
        raise ValueError(f"{option} takes 7 numbers, x y z (m) and a quaternion x y z w; got {len(numbers)}")
    return Placement(translation=list(numbers[:3]), rotation=list(numbers[3:]))
