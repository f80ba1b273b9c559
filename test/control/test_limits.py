"""The independent monitor notices every kind of break."""

from __future__ import annotations

import numpy as np
import pytest

from sag_ros.control.limits import broken, check
from sag_ros.control.motion import of_command
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.values import JointCommand

TIME = np.arange(0.0, 1.001, 0.01)


def sine(joint: int, amplitude: float, frequency: float, centre: float | None = None) -> JointCommand:
    w = 2.0 * np.pi * frequency
    q, v, a = (np.zeros((len(TIME), 7)) for _ in range(3))
    q += FR3.home
    if centre is not None:
        q[:, joint] = centre
    q[:, joint] += amplitude * np.sin(w * TIME)
    v[:, joint] = amplitude * w * np.cos(w * TIME)
    a[:, joint] = -amplitude * w * w * np.sin(w * TIME)
    return JointCommand(TIME, q, v, a)


def test_a_calm_motion_passes() -> None:
    assert check(sine(0, 0.2, 0.5), FR3.limits) == []


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (sine(0, 0.2, 0.5, centre=2.7), "position"),
        (sine(1, 0.38, 0.5, centre=1.4), "velocity"),
        (sine(2, 0.02, 4.0), "acceleration"),
        (sine(6, 0.0002, 50.0), "jerk"),
    ],
)
def test_each_break_is_named(command: JointCommand, kind: str) -> None:
    found = check(command, FR3.limits)
    assert kind in {violation.kind for violation in found}
    worst = next(violation for violation in found if violation.kind == kind)
    assert abs(worst.value) > abs(worst.bound) or kind == "position"
    assert f"joint {worst.joint + 1}" in worst.message
    assert len({violation.joint for violation in found}) == 1
    assert broken(of_command(command), FR3.limits)[:, worst.joint].any()


def test_breaks_between_the_samples_count() -> None:
    command = sine(0, 0.0, 1.0)
    command.position[50:, 0] += 0.01  # a step, with velocity and acceleration zero on both sides
    assert {v.kind for v in check(command, FR3.limits)} >= {"acceleration", "jerk"}


def test_values_that_are_not_finite_are_reported() -> None:
    command = sine(0, 0.1, 0.5)
    command.velocity[3, 2] = np.nan
    assert [v.kind for v in check(command, FR3.limits)] == ["non_finite"]
