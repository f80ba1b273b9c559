"""A scripted expert on a clock: it knows where bag and zone are and never waits for a tolerance."""

from __future__ import annotations

import numpy as np

from sag_ros.robots.arm import Arm
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.sim.experts.plan import Plan, minimum_jerk
from sag_ros.sim.kinematics import ArmKinematics
from sag_ros.sim.robot import SimulatedRobot
from sag_ros.sim.tasks.pick_release import GRASP_HEIGHT, PickRelease

CLOSED = 0.04  # commanded width while holding, m: less than the bag, so that the hand grips
CARRY_HEIGHT, RETREAT_HEIGHT = 0.21, 0.26
REACH_SPEED, CARRY_SPEED = 0.26, 0.24  # mean TCP speeds, m/s
CLOSE_LEAD = 0.05  # the hand begins to close shortly before the arm stands
CLOSING, OPENING, END = 0.22, 0.22, 1.0


class PickReleaseExpert:
    """Plans pick-and-release demonstrations for a simulated robot.

    Args:
        period: control period of the policy, s.
        disturbance: amplitude of the smooth TCP disturbance under which the reference stays the label
            (Laskey et al., DART, arXiv 1703.09327), m; it fades out around grasp and release.
        arm: of the robots that it plans for.
    """

    tasks = ("pick_release", "pick_release_hard")

    def __init__(self, period: float = 0.05, disturbance: float = 0.0, arm: Arm = FR3) -> None:
        self.period = period
        self.disturbance = disturbance
        self._arm, self._open = ArmKinematics(arm), arm.gripper.width_max

    def plan(self, robot: SimulatedRobot, rng: np.random.Generator) -> Plan:
        """Plan for the bag and zone as they stand in ``robot`` now."""
        task = robot.task
        assert isinstance(task, PickRelease)
        bag, zone = task.bag_position(robot._data), task.release_position(robot._data)
        start, _ = self._arm.forward(robot.joint_positions)
        reach = float(np.clip(np.linalg.norm(bag[:2] - start[:2]) / REACH_SPEED, 1.1, 2.2))
        carry = float(np.clip(np.linalg.norm(zone - bag[:2]) / CARRY_SPEED, 1.2, 2.4))
        grasped = reach + 0.7
        lift = grasped + CLOSING
        over = lift + 0.45 + carry
        released = over + 0.55
        retreat = released + OPENING
        time = np.arange(0.0, retreat + 0.9 + END, self.period)

        to_bag, to_zone = minimum_jerk(time, 0, reach), minimum_jerk(time, lift + 0.45, over)
        xy = start[:2] + np.outer(to_bag, bag[:2] - start[:2]) + np.outer(to_zone, zone - bag[:2])
        z = (
            start[2]
            + (GRASP_HEIGHT - start[2]) * minimum_jerk(time, 0.3 * reach, grasped)
            + (CARRY_HEIGHT - GRASP_HEIGHT) * minimum_jerk(time, lift, lift + 0.9)
            + (GRASP_HEIGHT + 0.003 - CARRY_HEIGHT) * minimum_jerk(time, over - 0.5, released)
            + (RETREAT_HEIGHT - GRASP_HEIGHT - 0.003) * minimum_jerk(time, retreat, retreat + 0.9)
        )
        path = np.c_[xy, z]
        # Bent towards the demonstrated orientation from a randomised start: blend the first point in.
        reference = self._arm.path(robot.joint_positions, path)
        blend = minimum_jerk(time, 0.0, 0.8)[:, None]
        offset = (robot.joint_positions - reference[0]) * (1 - blend)
        reference = reference + offset
        command = reference
        if self.disturbance > 0:
            noise = self._disturbance(time, (grasped, lift), (released, retreat), rng)
            command = self._arm.path(robot.joint_positions, path + noise) + offset
        closed = (time >= grasped - CLOSE_LEAD) & (time < released)
        return Plan(time, reference, command, np.where(closed, CLOSED, self._open))

    def _disturbance(
        self,
        time: np.ndarray,
        grasp: tuple[float, float],
        release: tuple[float, float],
        rng: np.random.Generator,
    ) -> np.ndarray:
        frequency = rng.uniform(0.15, 0.9, (4, 3))
        phase = rng.uniform(-np.pi, np.pi, (4, 3))
        waves = np.sin(2 * np.pi * frequency * time[:, None, None] + phase).sum(1) / np.sqrt(8)
        calm = np.ones_like(time)
        for begin, end in (grasp, release):
            near = minimum_jerk(time, begin - 0.5, begin - 0.15) * (
                1 - minimum_jerk(time, end + 0.1, end + 0.5)
            )
            calm *= 1 - 0.88 * near
        size = self.disturbance * rng.uniform(0.2, 1.0)
        return size * waves * (calm * minimum_jerk(time, 0.0, 0.4))[:, None] * [1.0, 1.0, 0.8]


EXPERT = PickReleaseExpert
