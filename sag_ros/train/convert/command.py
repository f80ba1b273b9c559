"""``sag convert``: demonstrations of LeRobot and robomimic as this project has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from sag_ros.data.demonstrations import DemonstrationWriter, StoreError
from sag_ros.policy.bundle import PolicyBundle, load_bundle
from sag_ros.policy.contract import Contract
from sag_ros.policy.meanings import Rotation
from sag_ros.train.convert.raw import ConversionError, Source
from sag_ros.train.convert.report import Report, remarks
from sag_ros.train.convert.resample import resampled
from sag_ros.train.convert.terms import Terms
from sag_ros.train.data.terms import terms_of


@dataclass(frozen=True)
class Conversion:
    """Make demonstrations of a LeRobot dataset (a folder, version 3) or a robomimic file (.hdf5).

    In the terms of a policy, so that it can be trained on, accelerated and compared with them. What was
    recorded at another rate is resampled by its stamps. A report beside the store says what stands out.
    """

    source: Annotated[Path, tyro.conf.Positional]
    """folder of a LeRobot dataset, or .hdf5 file of robomimic"""
    out: Annotated[Path, tyro.conf.Positional]
    """zarr folder"""
    bundle: str
    """policy whose states, actions, cameras and rate are wanted: a folder, or its name in models/"""
    state: tuple[str, ...]
    """keys whose numbers are the policy's state, in its order"""
    action: str = ""
    """key of the actions; default action of LeRobot, actions of robomimic"""
    cameras: tuple[str, ...] = ()
    """where each camera's pictures are, as front=observation.images.front"""
    action_rotation: Rotation | None = None
    """how the recorded actions give rotations, if not as the policy's"""
    source_period: float = float("nan")
    """s from frame to frame, where robomimic's file does not say"""
    episodes: int | None = None
    """only the first so many"""

    def run(self) -> int:
        """Convert; returns 0, or 1 where no episode was.

        Raises:
            ConversionError, BundleError, StoreError: what cannot be converted.
        """
        from rich.console import Console

        from sag_ros.paths import model_folder

        bundle = load_bundle(model_folder(self.bundle))
        contract = bundle.contract
        if self.out.exists():
            raise StoreError(f"{self.out} is there already; give another folder")
        cameras = self._cameras(contract)
        terms = Terms(contract, self.state, cameras, self.action_rotation or "")
        source = self._source(cameras)
        report = self._convert(source, terms, contract)
        content = report.content(bundle)
        path = self.out.with_suffix(".report.json")
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        console = Console()
        rate = f"{1.0 / source.period:.1f} Hz" if source.period > 0 else "?"
        console.print(
            f"{self.out}: {report.episodes} of {len(source)} episodes, {report.frames} frames, recorded at "
            f"{rate}, kept at {1.0 / contract.control_period:.1f} Hz",
            highlight=False,
        )
        for text in remarks(content, _names(bundle)):
            console.print(f"[yellow]look[/]: {text}", highlight=False)
        console.print(f"{path}", highlight=False)
        return int(report.episodes == 0)

    def _cameras(self, contract: Contract) -> dict[str, str]:
        found = {}
        for text in self.cameras:
            name, equals, key = text.partition("=")
            if not equals or name not in contract.cameras:
                known = ", ".join(contract.cameras) or "none"
                raise ConversionError(f"--cameras {text}: name=key, of the policy's cameras {known}")
            found[name] = key
        return found

    def _source(self, cameras: Mapping[str, str]) -> Source:
        keys = list(dict.fromkeys(cameras.values()))
        numbers = list(dict.fromkeys(self.state))
        if self.source.is_dir():
            from sag_ros.train.convert.lerobot import LeRobotDataset

            return LeRobotDataset(self.source, numbers, keys, self.action or "action")
        from sag_ros.train.convert.robomimic import RobomimicFile

        return RobomimicFile(self.source, numbers, keys, self.action or "actions", self.source_period)

    def _convert(self, source: Source, terms: Terms, contract: Contract) -> Report:
        report, period = Report(source.period), contract.control_period
        attributes = {
            "period": period,
            "task": contract.task,
            "joints": list(contract.joints),
            "action": "as terms say, each to be reached one period later",
            "privileged": [],
            "terms": terms_of(contract),
            "converted": {"source": self.source.name, "source_period": source.period},
        }
        writer = DemonstrationWriter(self.out, attributes)
        for number, raw in enumerate(source.episodes()):
            if self.episodes is not None and number >= self.episodes:
                break
            report.recorded(raw)
            try:
                episode = terms.episode(resampled(raw, source.period, period))
            except ConversionError as error:
                if not report.episodes and "numbers" in str(error):
                    raise  # a wrong key is wrong everywhere
                report.dropped.append(str(error))
                continue
            writer.append(episode)
            report.kept(episode)
        return report


def _names(bundle: PolicyBundle) -> dict[str, list[str]]:
    contract = bundle.contract
    state = [f"{part}[{number}]" for part, size in contract.state_parts.items() for number in np.arange(size)]
    return {"state": state, "action": [one.name for one in contract.action]}
