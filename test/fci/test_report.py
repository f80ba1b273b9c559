"""Reports, trajectories and settings survive the way between the processes."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from sag_ros.control.motion import of_command
from sag_ros.fci import message
from sag_ros.fci.report import SIZE, Mode, Report
from sag_ros.fci.settings import FciSettings, Load
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.values import JointCommand


def test_a_report() -> None:
    report = Report(
        Mode.REFLEX, 12.5, 7, 2, 1, 0.98, 3, 4, 5, error="joint_reflex", remark="no memlock – really"
    )
    report.position[:] = FR3.home
    packed = report.pack()
    assert len(packed) == SIZE
    again = Report.unpack(packed)
    for field in dataclasses.fields(Report):
        np.testing.assert_array_equal(getattr(again, field.name), getattr(report, field.name))


def test_a_text_that_is_too_long_is_cut() -> None:
    assert Report.unpack(Report(error="ü" * 400).pack()).error.startswith("ü" * 119)


def test_a_trajectory_is_moved_in_time() -> None:
    rng = np.random.default_rng(0)
    command = JointCommand(np.arange(5) * 0.01, *(rng.normal(size=(5, 7)) for _ in range(3)))
    motion = of_command(command)
    again = message.unpack(message.pack(motion, 100.0))
    np.testing.assert_array_equal(again.coefficients, motion.coefficients)
    np.testing.assert_allclose(again.times, motion.times + 100.0)


def test_a_trajectory_that_does_not_fit() -> None:
    zero = np.zeros((1100, 7))
    motion = of_command(JointCommand(np.arange(1100) * 0.01, zero, zero, zero))
    with pytest.raises(ValueError, match="1099 pieces"):
        message.pack(motion)


def test_settings_through_json() -> None:
    settings = FciSettings(address="10.0.0.2", interface="torque", load=Load(0.4, (0.0, 0.01, 0.1)))
    assert FciSettings.of(json.loads(json.dumps(dataclasses.asdict(settings)))) == settings
