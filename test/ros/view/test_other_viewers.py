"""The layouts for Foxglove and RViz name what the nodes publish. Neither program is here to try them."""

from __future__ import annotations

import json
import re

import yaml

from sag_ros.paths import config_file
from sag_ros.ros.graph import TOPICS
from sag_ros.ros.parameters import load_file
from sag_ros.ros.policy.chunk_record import NAMES
from sag_ros.ros.sections import Topics


def published() -> set[str]:
    cameras = load_file(config_file("pick_release.yaml"), "policy_node").cameras.values()
    named = [*TOPICS.values(), *(camera.topic for camera in cameras)]
    named += [Topics().joint_states, Topics().trajectory, "diagnostics"]
    return {f"/{name}" for name in named}


def test_foxglove_shows_topics_that_exist():
    text = config_file("foxglove_layout.json").read_text()
    layout = json.loads(text)
    panels = layout["configById"]
    topics = {one["imageMode"]["imageTopic"] for one in panels.values() if "imageMode" in one}
    paths = [path for one in panels.values() for path in one.get("paths", [])]
    topics |= {path["value"].partition(".")[0] for path in paths}
    assert topics <= published()
    timing = {path["label"]: path["value"] for path in paths if "/timing." in path["value"]}
    assert {label: NAMES[int(re.search(r"\[(\d+)\]", value)[1])] for label, value in timing.items()} == {
        label: label for label in timing
    }
    assert set(re.findall(r"\"(\w+!\w+)\"", json.dumps(layout["layout"]))) == set(panels)
    assert panels["CallService!resume"]["serviceName"] == "/policy_node/resume"


def test_rviz_shows_topics_that_exist():
    displays = yaml.safe_load(config_file("sag_ros.rviz").read_text())["Visualization Manager"]["Displays"]
    topics = {display["Topic"]["Value"] for display in displays if "Topic" in display}
    assert {"/front/image_raw", "/policy_node/mask"} <= topics <= published()
