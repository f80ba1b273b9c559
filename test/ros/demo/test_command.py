from __future__ import annotations

import json
import os
import subprocess
import sys

import cv2
import pytest
import yaml

from sag_ros.paths import config_file
from sag_ros.policy.bundle import save_bundle
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.ros.demo.command import Options, describe
from sag_ros.ros.parameters import ParameterError


def run(*arguments, expect):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ROS_PYTHON")}
    process = subprocess.run(
        [sys.executable, "-m", "sag_ros.ros.demo.command", *map(str, arguments)],
        env=environment, capture_output=True, text=True, timeout=220,
    )  # fmt: skip
    assert process.returncode == expect, process.stdout + process.stderr
    return process.stdout


@pytest.fixture
def parameters(tmp_path):
    """The shipped parameter file with settings for a small random policy."""
    tree = yaml.safe_load(config_file("pick_release.yaml").read_text())
    patient = {"observation": 2.0, "camera": 2.0, "joint_state": 2.0}  # the machine may be busy
    changes = {"warm_up": 1, "splice": {"jump": 6.0}, "watchdog": patient}
    tree["policy_node"]["ros__parameters"] |= changes
    tree["sim_node"]["ros__parameters"] |= {"camera_rate": 10.0}
    path = tmp_path / "parameters.yaml"
    path.write_text(yaml.safe_dump(tree))
    return path


@pytest.mark.timeout(240)
def test_a_whole_demo_from_nodes_to_pictures(tmp_path, parameters):
    save_bundle(tmp_path / "bundle", random_bundle(0))
    out = tmp_path / "demo"
    text = run(
        "--episodes", 1, "--seed", 7, "--timeout", 2, "--out", out, "--params", parameters,
        "--bundle", tmp_path / "bundle", "--engine", "reference", "--mask-source", "random30",
        "--sampler", "ddim2", "--viewer", "off", expect=0,
    )  # fmt: skip
    assert "episode 0 (seed 7)" in text
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["episodes"], summary["successes"], summary["engine"]) == (1, 0, "reference")
    assert summary["chunk_rate_hz"] > 0
    assert summary["latency_ms"]["p50"] > summary["inference_ms"]["p50"] > summary["encode_ms"] > 0
    assert (out / "report.png").stat().st_size > 20_000
    video = cv2.VideoCapture(str(out / "episode_000.mp4"))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) > 30
    assert (out / "logs" / "policy_node.log").is_file()


@pytest.mark.timeout(240)
def test_a_policy_that_is_refused_ends_the_demo_with_its_reason(tmp_path):
    text = run("--bundle", tmp_path / "nowhere", "--out", tmp_path / "demo", "--viewer", "off", expect=1)
    assert "refused to configure" in text
    assert "nowhere" in text
    assert not (tmp_path / "demo" / "summary.json").exists()


def test_parameters_are_checked_before_anything_starts(tmp_path):
    path = tmp_path / "typo.yaml"
    path.write_text(config_file("pick_release.yaml").read_text().replace("engine:", "engin:"))
    with pytest.raises(ParameterError, match="did you mean 'engine'"):
        describe(Options(params=path))


def test_options_reach_the_graph():
    graph = describe(Options(seed=5, engine="reference", mask_source="dense", viewer="off"))
    policy = {"engine": "reference", "mask_source": "dense"}
    assert policy.items() <= graph.node("policy_node").parameters.items()
    assert graph.node("sim_node").parameters["seed"] == 5
    assert graph.node("sim_node").parameters["viewer"] == "off"
