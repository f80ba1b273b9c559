"""Demonstrations by the simulated arm."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from sag_ros.data.demonstrations import Episode


class ArmOptions(Protocol):
    """What of the options of ``sag record`` counts here; see there."""

    @property
    def task(self) -> str: ...
    @property
    def arm(self) -> str: ...
    @property
    def disturbance(self) -> float: ...
    @property
    def image_size(self) -> int: ...
    @property
    def period(self) -> float: ...


def attributes(options: ArmOptions) -> dict[str, Any]:
    """What a store says of them."""
    from sag_ros.robots.registry import find_arm
    from sag_ros.sim.tasks.registry import make_task

    return {
        "period": options.period,
        "joints": list(find_arm(options.arm).joints),
        "action": "absolute joint positions (rad), gripper width (m), to be reached one period later",
        "privileged": list(make_task(options.task).privileged_columns),
    }


_worker: tuple = ()


def prepare(options: ArmOptions) -> None:
    """Build simulator and expert once in each process of the pool."""
    global _worker
    from sag_ros.robots.registry import find_arm
    from sag_ros.sim.experts.registry import make_expert
    from sag_ros.sim.robot import SimulatedRobot

    arm = find_arm(options.arm)
    robot = SimulatedRobot(options.task, options.image_size, arm)
    _worker = options, robot, make_expert(options.task, options.period, options.disturbance, arm)


def demonstrate(seed: int) -> Episode | None:
    """One demonstration, or None if the expert failed."""
    from sag_ros.sim.experts.plan import apply_width

    options, robot, expert = _worker
    robot.reset(seed)
    plan = expert.plan(robot, np.random.default_rng([seed, 1]))
    robot.controller.accept(plan.motion(robot.time), robot.time)
    images: dict[str, list[np.ndarray]] = {"front": [], "wrist": []}
    state, action, privileged, width = [], [], [], None
    for n in range(len(plan.time) - 1):
        for camera, frames in images.items():
            frames.append(robot.render(camera))
        state.append(robot.state)
        privileged.append(robot.privileged)
        action.append(np.r_[plan.reference[n + 1], plan.width[n + 1]])
        if plan.width[n] != width:
            width = plan.width[n]
            apply_width(robot, width)
        robot.advance(options.period)
        status = robot.status()
    if not status.success:
        return None
    return Episode(
        images={camera: np.stack(frames) for camera, frames in images.items()},
        state=np.array(state, np.float32),
        action=np.array(action, np.float32),
        privileged=np.array(privileged, np.float32),
        seed=seed,
    )
