"""A few faults on the running graph; the whole table is `sag bench faults`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import rclpy

from sag_ros.ros.faults.command import SHORT, FaultBench
from sag_ros.ros.faults.graph_rows import graph
from sag_ros.ros.faults.message_rows import messages
from sag_ros.ros.faults.operator_rows import operators


def test_every_fault_has_a_name_of_its_own() -> None:
    names = [row.name for row in [*messages(), *graph(), *operators()]]
    assert len(set(names)) == len(names) >= 30
    assert set(SHORT) <= set(names)


def test_an_unknown_fault_is_refused() -> None:
    with pytest.raises(ValueError, match="no fault 'earthquake'; there are camera-dead"):
        FaultBench(only=("earthquake",)).run()


@pytest.fixture
def no_context():
    """The command starts ROS itself, in a domain of its own."""
    assert not rclpy.ok()


def test_a_dead_camera_a_false_stamp_and_a_second_commander(tmp_path: Path, no_context) -> None:
    only = ("camera-dead", "joints-future-single", "second-commander")
    for _ in range(3):  # on a machine that is busy with other tests anything may come too late
        status = FaultBench(only=only, out=tmp_path).run()
        result = json.loads((tmp_path / "faults.json").read_text())
        if status == 0:
            break
    assert [row["wrong"] for row in result["rows"]] == [[], [], []], result["rows"]
    dead, single, second = result["rows"]
    assert dead["goes_on"] == "by itself"
    assert dead["rest"] < 1.3
    assert dead["after"] < 0.1  # from what was seen when it was over
    assert single["rest"] is None
    assert second["goes_on"] == "after ~/resume"
    assert (tmp_path / "faults.png").exists()
