"""Offscreen cameras, to be used from one thread each: they own their copy of the state."""

from __future__ import annotations

import mujoco
import numpy as np

from sag_ros.sim.scene import Scene


class Cameras:
    """Renders a scene in a given state without touching the running simulation.

    Args:
        scene: whose model is drawn; its cameras and lights may be changed between renders.
        height, width: image size, pixels.
    """

    def __init__(self, scene: Scene, height: int, width: int) -> None:
        self._model = scene.model
        self._data = mujoco.MjData(scene.model)
        self._renderer = mujoco.Renderer(scene.model, height, width)
        if scene.model.vis.quality.shadowsize == 0:  # MuJoCo would still draw everything for the shadows
            self._renderer.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 0

    def pose(self, qpos: np.ndarray, mocap_pos: np.ndarray) -> None:
        """Take over a state: (nq,) joint positions and (nmocap, 3) positions of the mocap bodies."""
        self._data.qpos[:] = qpos
        self._data.mocap_pos[:] = mocap_pos
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_comPos(self._model, self._data)
        mujoco.mj_camlight(self._model, self._data)

    def render(self, camera: str) -> np.ndarray:
        """(H, W, 3) uint8 RGB image of the named camera in the state last given to :meth:`pose`."""
        self._renderer.update_scene(self._data, camera)
        return self._renderer.render().copy()

    def close(self) -> None:
        """Free the GL context (from the thread that rendered)."""
        self._renderer.close()
