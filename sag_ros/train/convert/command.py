"""``sag convert``: demonstrations of LeRobot, robomimic and ROS bags as this project has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from sag_ros.data.demonstrations import DemonstrationWriter, StoreError
from sag_ros.policy.bundle import PolicyBundle, load_bundle
from sag_ros.policy.contract import Contract
from sag_ros.policy.meanings import Rotation
from sag_ros.train.convert.raw import ConversionError, LeftOut, Source
from sag_ros.train.convert.report import Report, remarks
from sag_ros.train.convert.resample import resampled
from sag_ros.train.convert.terms import Terms
from sag_ros.train.data.terms import terms_of


@dataclass(frozen=True)
class Conversion:
    """Make demonstrations of a LeRobot dataset (a folder, version 3), a robomimic file (.hdf5) or ROS bags.

    In the terms of a policy, so that it can be trained on, accelerated and compared with them. What was
    recorded at another rate is resampled by its stamps. A report beside the store says what stands out.

    Of bags, each part of the state and the action is named with its topic. Joints and fingers of JointState,
    and joints of JointTrajectory, are found by name; elsewhere the field follows behind a colon, and a factor
    behind an asterisk: joint_position=/arm/state gripper_width=/hand/state:position[0]*0.001.
    """

    source: Annotated[Path, tyro.conf.Positional]
    """folder of a LeRobot dataset, .hdf5 file of robomimic, a bag (folder of rosbag2, .mcap, .db3), or a
    folder of bags"""
    out: Annotated[Path, tyro.conf.Positional]
    """zarr folder"""
    bundle: str
    """policy whose states, actions, cameras and rate are wanted: a folder, or its name in models/"""
    state: tuple[str, ...]
    """keys whose numbers are the policy's state, in its order; of bags, part=topic for each of its parts"""
    action: tuple[str, ...] = ()
    """key of the actions; default action of LeRobot, actions of robomimic. Of bags, part=topic: what the
    controller was told; part=measured: where it was one period later; measured: that for all others"""
    cameras: tuple[str, ...] = ()
    """where each camera's pictures are, as front=observation.images.front or front=/front/image_raw"""
    action_rotation: Rotation | None = None
    """how the recorded actions give rotations, if not as the policy's; of bags always quaternions x y z w"""
    source_period: float = float("nan")
    """s from frame to frame, where robomimic's file does not say"""
    marks: str = ""
    """of bags with several episodes: topic, or topic:field, that is true or a number but 0 while one is on
    (another number is another episode)"""
    cut: float | None = None
    """of bags with several episodes: s in which nothing comes, between two of them"""
    gap: float = 0.2
    """of bags: s that an input may be missing; an episode in which one is missing longer is left out"""
    interventions: str = ""
    """of bags: topic, or topic:field, that is true while a human has the arm, or the recorder's marks
    (/recorder_node/marks); kept for each frame as `intervention`"""
    joint_prefix: str = ""
    """of bags: before the names of joints in messages, as left_"""
    episodes: int | None = None
    """only the first so many"""

    def run(self) -> int:
        """Convert; returns 0, or 1 where no episode was.

        Raises:
            ConversionError, BundleError, StoreError: what cannot be converted.
        """
        from rich.console import Console
        from rich.markup import escape

        from sag_ros.paths import model_folder

        bundle = load_bundle(model_folder(self.bundle))
        contract = bundle.contract
        if self.out.exists():
            raise StoreError(f"{self.out} is there already; give another folder")
        cameras = self._cameras(contract)
        source, terms = self._source(contract, cameras)
        report = self._convert(source, terms, contract)
        content = {**report.content(bundle), **source.found()}
        path = self.out.with_suffix(".report.json")
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        console = Console()
        console.print(f"{self.out}: {_summary(content, contract)}", highlight=False)
        for topic, one in content.get("topics", {}).items():
            console.print(f"  {topic}: {_line(one)}", highlight=False, markup=False)
        for text in remarks(content, _names(bundle)):
            console.print(f"[yellow]look[/]: {escape(text)}", highlight=False)
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

    def _source(self, contract: Contract, cameras: Mapping[str, str]) -> tuple[Source, Terms]:
        from sag_ros.train.convert.bags.find import find_bags

        if find_bags(self.source):
            return self._bags(contract, cameras)
        if self.source.suffix == ".bag":
            raise ConversionError(
                f"{self.source} is of ROS 1; `rosbags-convert --src {self.source.name} --dst <folder>` makes "
                "one of ROS 2 of it"
            )
        if len(self.action) > 1:
            raise ConversionError(
                f"{self.source}: there is no bag, and of LeRobot and robomimic one key of actions is wanted; "
                f"got {' '.join(self.action)}"
            )
        terms = Terms(contract, self.state, cameras, self.action_rotation or "")
        keys = list(dict.fromkeys(cameras.values()))
        numbers = list(dict.fromkeys(self.state))
        if self.source.is_dir():
            from sag_ros.train.convert.lerobot import LeRobotDataset

            return LeRobotDataset(self.source, numbers, keys, *(self.action or ("action",))), terms
        from sag_ros.train.convert.robomimic import RobomimicFile

        action = self.action[0] if self.action else "actions"
        return RobomimicFile(self.source, numbers, keys, action, self.source_period), terms

    def _bags(self, contract: Contract, cameras: Mapping[str, str]) -> tuple[Source, Terms]:
        from sag_ros.robots.registry import ARMS
        from sag_ros.train.convert.bags.source import BagOptions, BagSource
        from sag_ros.train.convert.bags.terms import BagTerms

        if self.action_rotation is not None:
            raise ConversionError(
                "--action-rotation: rotations of bags are quaternions x y z w; leave it out"
            )
        arm = next((one for one in ARMS.values() if one.joints == tuple(contract.joints)), None)
        topics = {name: "/" + topic.lstrip("/") for name, topic in cameras.items()}
        options = BagOptions(
            self.state,
            self.action,
            topics,
            self.marks,
            self.cut,
            self.gap,
            self.joint_prefix,
            self.interventions,
        )
        return BagSource(self.source, contract, arm, options), BagTerms(contract, arm, topics)

    def _convert(self, source: Source, terms: Terms, contract: Contract) -> Report:
        report, period = Report(source.period), contract.control_period
        attributes = {
            "period": period,
            "task": contract.task,
            "joints": list(contract.joints),
            "action": "as terms say, each to be reached one period later",
            "privileged": [],
            "terms": terms_of(contract),
            "converted": {"source": self.source.name, "source_period": report.stated_period},
        }
        writer = DemonstrationWriter(self.out, attributes)
        for number, raw in enumerate(source.episodes()):
            if self.episodes is not None and number >= self.episodes:
                break
            report.recorded(raw)
            try:
                episode = terms.episode(resampled(raw, source.period, period, self.gap))
            except LeftOut as error:
                report.dropped.append(str(error))
                continue
            except ConversionError as error:
                if not report.episodes:
                    raise  # a wrong key is wrong everywhere
                report.dropped.append(str(error))
                continue
            writer.append(episode)
            report.kept(episode)
        report.dropped += source.left_out
        return report


def _summary(content: Mapping[str, Any], contract: Contract) -> str:
    total = content.get("source_episodes", content["episodes"] + len(content["dropped"]))
    period = content["source_period"]
    count = content["intervention_frames"]
    human = f", a human in {count} of them" if count else ""
    rate = "" if period is None else f"recorded at {1.0 / period:.1f} Hz, "
    return (
        f"{content['episodes']} of {total} episodes, {content['frames']} frames{human}, {rate}kept at "
        f"{1.0 / contract.control_period:.1f} Hz"
    )


def _line(topic: Mapping[str, Any]) -> str:
    """What a person reads of a topic."""
    rate = (
        "" if topic["rate"] is None else f"{topic['rate']:.1f} Hz, longest gap {topic['longest_gap']:.2f} s, "
    )
    late = f", {topic['out_of_order']} out of order" if topic["out_of_order"] else ""
    return f"{topic['type']}, {topic['messages']} messages, {rate}stamps of {topic['stamps']}{late}"


def _names(bundle: PolicyBundle) -> dict[str, list[str]]:
    contract = bundle.contract
    state = [f"{part}[{number}]" for part, size in contract.state_parts.items() for number in np.arange(size)]
    return {"state": state, "action": [one.name for one in contract.action]}
