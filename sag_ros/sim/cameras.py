"""Offscreen cameras, to be used from one thread each: they own their copy of the state."""

from __future__ import annotations

import copy

import mujoco
import numpy as np

from sag_ros.sim.scene import Scene
from sag_ros.sim.sight import Sight

_SHADOW, _SKY = int(mujoco.mjtRndFlag.mjRND_SHADOW), int(mujoco.mjtRndFlag.mjRND_SKYBOX)
_GEOM, _NOTHING = int(mujoco.mjtObj.mjOBJ_GEOM), int(mujoco.mjtGeom.mjGEOM_NONE)


class Cameras:
    """Renders a scene in a given state without touching the running simulation.

    Args:
        scene: whose model is drawn; its cameras, lights and colours may be changed between renders, but not
            its shapes nor what can be looked through.
        height, width: image size, pixels.
    """

    def __init__(self, scene: Scene, height: int, width: int) -> None:
        self._model = scene.model
        self._data = mujoco.MjData(scene.model)
        # The buffer that is drawn into has the size of the picture, not of the largest one: clearing costs.
        drawn = copy.copy(scene.model)
        drawn.vis.global_.offheight, drawn.vis.global_.offwidth = height, width
        self._renderer = mujoco.Renderer(drawn, height, width)
        self._geoms = self._renderer.scene.geoms
        self._option = mujoco.MjvOption()
        self._views: dict[str, mujoco.MjvCamera] = {}
        self._sight = Sight(scene.model, width / height)
        if scene.model.vis.quality.shadowsize == 0:  # MuJoCo would still draw everything for the shadows
            self._renderer.scene.flags[_SHADOW] = 0

    def pose(self, qpos: np.ndarray, mocap_pos: np.ndarray) -> None:
        """Take over a state: (nq,) joint positions and (nmocap, 3) positions of the mocap bodies."""
        self._data.qpos[:] = qpos
        self._data.mocap_pos[:] = mocap_pos
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_comPos(self._model, self._data)
        mujoco.mj_camlight(self._model, self._data)

    def render(self, camera: str) -> np.ndarray:
        """(H, W, 3) uint8 RGB image of the named camera in the state last given to :meth:`pose`.

        What the camera cannot see is left out: in software, drawing costs more than finding out.

        Raises:
            KeyError: no such camera.
        """
        view, scene = self._view(camera), self._renderer.scene
        everything = mujoco.mjtCatBit.mjCAT_ALL.value
        mujoco.mjv_updateScene(self._model, self._data, self._option, None, view, everything, scene)
        mask, sky = self._sight.seen(self._data, view.fixedcamid)
        seen = mask.tolist()
        for geom in self._geoms[: scene.ngeom]:
            if geom.objtype == _GEOM and not seen[geom.objid]:
                geom.type = _NOTHING
        scene.flags[_SKY] = sky
        return self._renderer.render()

    def _view(self, camera: str) -> mujoco.MjvCamera:
        if camera not in self._views:
            view = mujoco.MjvCamera()
            view.type = mujoco.mjtCamera.mjCAMERA_FIXED
            view.fixedcamid = self._model.camera(camera).id
            self._views[camera] = view
        return self._views[camera]

    def close(self) -> None:
        """Free the GL context (from the thread that rendered)."""
        self._renderer.close()
