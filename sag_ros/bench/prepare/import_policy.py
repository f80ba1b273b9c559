"""``sag import``: a checkpoint of another project becomes a bundle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro


@dataclass(frozen=True)
class PolicyImport:
    """Make a bundle of a checkpoint of the public Diffusion Policy; nothing that is in it is executed.

    What it does not say has to be given: which of its low-dimensional observations are the joint positions
    and the gripper width, the joints' names, and the time from one action to the next.
    """

    checkpoint: Annotated[Path, tyro.conf.Positional]
    """.ckpt file"""
    out: Annotated[Path, tyro.conf.Positional]
    """folder of the bundle"""
    state: tuple[str, ...]
    """low-dimensional observations in order: joint positions (rad), then the gripper width (m)"""
    period: float
    """s from one action to the next: one over the rate of the demonstrations"""
    arm: str = "fr3"
    """whose joints they are"""
    actions: Literal["joint_position", "joint_offset", "joint_step"] = "joint_position"
    """of the joints: where to be, how far from the newest observation, how far from the action before"""
    gripper: tuple[float, float] | None = None
    """values of its action that open and close it; by default the action is its width, m"""
    weights: Literal["ema_model", "model"] = "ema_model"
    """averaged weights, which are what was evaluated, or the last ones"""
    half: bool = False
    """keep weights in fp16: half of the space, rounded"""

    def run(self) -> int:
        """Returns: 0, or 1 if the checkpoint is refused."""
        from rich.console import Console

        from sag_ros.policy.bundle import save_bundle
        from sag_ros.policy.contract_file import BundleError
        from sag_ros.policy.importers.archive import ArchiveError
        from sag_ros.policy.importers.diffusion_policy import ImportRefused, Meaning, import_checkpoint
        from sag_ros.policy.meanings import BinaryGripper
        from sag_ros.robots.registry import find_arm

        console = Console()
        arm = find_arm(self.arm)
        binary = None
        if self.gripper is not None:
            opened, closed = self.gripper
            binary = BinaryGripper(
                open=opened, closed=closed, width_open=arm.gripper.width_max, width_closed=0.0
            )
        meaning = Meaning(self.state, arm.joints, self.period, self.actions, binary, self.weights)
        try:
            found = import_checkpoint(self.checkpoint, meaning)
            bundle = save_bundle(self.out, found.bundle, self.half)
        except (ArchiveError, BundleError, ImportRefused) as error:
            console.print(f"[red]refused[/]: {error}", highlight=False)
            return 1
        contract, network = bundle.contract, bundle.contract.network
        size = f"T {contract.horizon}, L {network.layers}, d {network.width}, K {contract.diffusion.steps}"
        cameras = ", ".join(f"{name} {one.height} x {one.width}" for name, one in contract.cameras.items())
        console.print(f"{self.out}: {contract.task}; {size}; cameras {cameras}", highlight=False)
        for remark in found.remarks:
            console.print(f"[yellow]note[/]: {remark}", highlight=False)
        console.print(f"next: sag check-bundle {self.out}; sag advise {self.out}", highlight=False)
        return 0
