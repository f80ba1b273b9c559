"""A simulated arm with hand and cameras: physics at 1 kHz under a trajectory controller."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

from sag_ros.robots.arm import Arm
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.sim.cameras import Cameras
from sag_ros.sim.gripper import SimulatedGripper
from sag_ros.sim.scene import load_scene
from sag_ros.sim.tasks.protocol import TaskStatus
from sag_ros.sim.tasks.registry import make_task
from sag_ros.sim.trajectory_controller import JointTrajectoryController
from sag_ros.values import coordinates

PERIOD = 0.001  # of physics and controller, s


@dataclass(frozen=True)
class SceneState:
    """What is needed to draw the scene.

    Attributes:
        time: s.
        qpos: (nq,) generalised positions.
        mocap_pos: (nmocap, 3) positions of the bodies that are placed, not simulated, m.
    """

    time: float
    qpos: np.ndarray
    mocap_pos: np.ndarray


class SimulatedRobot:
    """Arm, hand, cameras and one task. Not thread-safe; cameras of other threads take a ``scene_state``.

    Args:
        task: name in ``sim.tasks.registry.TASKS``; the task names the scene.
        image_size: (height, width) of :meth:`render`, pixels, or one number for both.
        arm: which one; J joints.

    Attributes:
        controller: the joint trajectory controller, stamps on the clock of :attr:`time`.
        desired: (J,) set point of the controller now, rad.
        gripper: the simulated hand.
        at_home: whether episodes begin exactly at home, not a little beside it as the task wants.
    """

    at_home = False

    def __init__(
        self, task: str = "pick_release", image_size: int | tuple[int, int] = 84, arm: Arm = FR3
    ) -> None:
        self.arm = arm
        self.task = make_task(task)
        self.scene = load_scene(self.task.scene, arm, adapt=self.task.adapt)
        self.task.bind(self.scene)
        self.image_size = (image_size, image_size) if isinstance(image_size, int) else image_size
        self._data = mujoco.MjData(self.scene.model)
        servos, model = self.scene.arm_ctrl, self.scene.model
        self._lead = -model.actuator_biasprm[servos, 2] / model.actuator_gainprm[servos, 0]  # kv / kp
        self._cameras: Cameras | None = None
        self._video: tuple[tuple[int, int], Cameras] | None = None
        self.reset(0)

    def reset(self, seed: int, time: float = 0.0) -> None:
        """Start an episode: all that is random in it comes from ``seed``; the clock starts at ``time`` s."""
        rng = np.random.default_rng(seed)
        data, scene = self._data, self.scene
        mujoco.mj_resetData(scene.model, data)
        self.task.randomise(data, rng)
        noise = 0.0 if self.at_home else self.task.start_noise
        start = self.arm.home + rng.normal(0, noise, self.arm.dof).clip(-2 * noise, 2 * noise)
        data.qpos[scene.arm_qpos] = start
        opened = self.arm.gripper.width_max / len(scene.finger_qpos)
        data.qpos[scene.finger_qpos] = opened
        data.ctrl[scene.arm_ctrl] = start
        data.ctrl[scene.gripper_ctrl] = opened
        self._epoch = time
        self.controller = JointTrajectoryController(start)
        self.desired = start.copy()
        self.gripper = SimulatedGripper(self.arm.gripper)
        mujoco.mj_forward(scene.model, data)

    def close(self) -> None:
        """Free the GL contexts, from the thread that rendered; the robot can go on without pictures."""
        for cameras in (self._cameras, self._video and self._video[1]):
            if cameras is not None:
                cameras.close()
        self._cameras = self._video = None

    @property
    def time(self) -> float:
        """Simulated time, s."""
        return self._epoch + self._data.time

    def advance(self, duration: float) -> None:
        """Run physics and controller for ``duration`` s (rounded to the period of 1 ms)."""
        steps = round(duration / PERIOD)
        if steps <= 0:
            return
        data, model, scene = self._data, self.scene.model, self.scene
        begin = self.time
        times = begin + PERIOD * np.arange(1, steps + 1)
        position, velocity, _ = self.controller.sample_many(times)
        self.desired = position[-1].copy()
        control = position + self._lead * velocity
        arm, hand = scene.arm_ctrl, scene.gripper_ctrl
        for n in range(steps):
            if n % 10 == 0:
                self._drive_gripper(begin + n * PERIOD, hand)
                self.task.advance(data)
            data.ctrl[arm] = control[n]
            mujoco.mj_step(model, data)

    def _drive_gripper(self, time: float, hand: int) -> None:
        self.gripper.update(time, self.gripper_width)
        target = self.gripper.target(time)
        self._data.ctrl[hand] = target.position
        self.scene.model.actuator_forcerange[hand] = (-target.force, target.force)

    @property
    def joint_positions(self) -> np.ndarray:
        """(J,) measured, rad."""
        return self._data.qpos[self.scene.arm_qpos].copy()

    @property
    def joint_velocities(self) -> np.ndarray:
        """(J,) measured, rad/s."""
        return self._data.qvel[self.scene.arm_dof].copy()

    @property
    def gripper_width(self) -> float:
        """Distance between the fingers, m."""
        return float(self._data.qpos[self.scene.finger_qpos].sum())

    @property
    def state(self) -> np.ndarray:
        """(J + 1,) joint positions (rad) and gripper width (m): what the policy is given."""
        return np.r_[self.joint_positions, self.gripper_width]

    @property
    def privileged(self) -> np.ndarray:
        """Task state known to the simulator only; columns are named by the task."""
        return self.task.privileged(self._data)

    def place(self, name: str) -> np.ndarray:
        """Coordinates of a place of the task, m: (3,) of ``bag``, (2,) of ``zone``. Raises ValueError."""
        return self.privileged[coordinates(self.task.privileged_columns, name)]

    def status(self) -> TaskStatus:
        """Progress of the task. Call it at 20 Hz or more: success requires an uninterrupted rest."""
        return self.task.status(self._data)

    def scene_state(self) -> SceneState:
        """A copy of what is needed to draw the scene, for cameras in other threads and for videos."""
        return SceneState(self.time, self._data.qpos.copy(), self._data.mocap_pos.copy())

    def render(self, camera: str) -> np.ndarray:
        """(H, W, 3) uint8 RGB image of the scene as it is now."""
        if self._cameras is None:
            self._cameras = Cameras(self.scene, *self.image_size)
        self._cameras.pose(self._data.qpos, self._data.mocap_pos)
        return self._cameras.render(camera)

    def render_video_frame(
        self,
        qpos: np.ndarray,
        mocap_pos: np.ndarray,
        height: int = 480,
        width: int = 640,
        camera: str = "video",
    ) -> np.ndarray:
        """(height, width, 3) uint8 RGB with shadows, of a state recorded by :meth:`scene_state`."""
        if self._video is None or self._video[0] != (height, width):
            detailed = load_scene(self.task.scene, self.arm, detailed=True, adapt=self.task.adapt)
            self._video = (height, width), Cameras(detailed, height, width)
        cameras = self._video[1]
        cameras.pose(qpos, mocap_pos)
        return cameras.render(camera)
