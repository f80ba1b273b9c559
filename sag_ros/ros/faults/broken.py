"""Policies that must not take over, one after the other, while another one moves the arm."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sag_ros.policy.bundle import POLICY_FILE
from sag_ros.policy.contract_file import CONTRACT_FILE
from sag_ros.policy.ladder_file import LADDER_FILE
from sag_ros.ros.demo.monitor import GraphTimeout
from sag_ros.ros.faults.faulty import STRANGE
from sag_ros.ros.faults.repeated import load, until
from sag_ros.ros.faults.stage import Stage


@dataclass(frozen=True)
class _Broken:
    """How a copy of the policy is broken.

    Attributes:
        spoil: the copy.
        said: has to be found in what the node says of it, as a regular expression.
        engine: what ails the engine when it computes the copy, from the load on, or from the swap.
        mask_source: of the copy.
        taken: whether it is good until it runs.
    """

    spoil: Callable[[Path], object]
    said: str
    engine: str = "well"
    mask_source: str = ""
    taken: bool = False


def _cut_weights(folder: Path) -> None:
    data = (folder / POLICY_FILE).read_bytes()
    (folder / POLICY_FILE).write_bytes(data[: len(data) // 2])


def _other_joints(folder: Path) -> None:
    file = folder / CONTRACT_FILE
    file.write_text(file.read_text().replace("fr3_joint3", "ur5e_joint3"))


_KINDS = (
    _Broken(_cut_weights, POLICY_FILE),
    _Broken(_other_joints, "ur5e_joint3"),
    # Without cheaper rungs, which may be quick enough.
    _Broken(lambda folder: (folder / LADDER_FILE).unlink(), r"takes \d+ ms here", "strange-slow", "dense"),
    _Broken(lambda folder: None, "told to fail", "strange-raises", taken=True),
)


def swap_broken(stage: Stage) -> None:
    """Load each of them, and swap to it if it is let; raises GraphTimeout where it is not found out."""
    for broken in _KINDS:
        folder = stage.out / STRANGE
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(stage.source, folder)
        broken.spoil(folder)
        stage.control.set(engine="well" if broken.taken else broken.engine)
        said = "is ready" if broken.taken else f"is refused: .*{broken.said}"
        load(stage, said, bundle=str(folder.resolve()), mask_source=broken.mask_source)
        if broken.taken:
            stage.control.set(engine=broken.engine)
            stage.ask("swap")
            until(stage, f"swapped back: .*{broken.said}")
        elif stage.ask("swap").success:
            raise GraphTimeout(f"what should have been refused was taken: {broken.said}")
