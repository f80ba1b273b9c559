"""What a camera of a scene cannot see and need not be drawn: pictures stay the same to the pixel."""

from __future__ import annotations

from math import hypot, radians, sqrt, tan

import mujoco
import numpy as np

MARGIN = 1e-3  # by which covers count as smaller and closer than they are, m
UNBOUNDED = 1e4  # half the size of an infinite plane, m
_CORNERS = np.array([[-1.0, -1.0, 1.0], [-1.0, 1.0, 1.0], [1.0, -1.0, 1.0], [1.0, 1.0, 1.0]])


class Sight:
    """Tells for each picture which of the G geoms may be in it; when in doubt, they are.

    Geoms count as the boxes around them. One is not seen outside of the pyramid that the camera sees, nor if
    all of it is behind a cover. There are two covers: the upper face of the largest box that does not move
    (a table) hides geoms and the sky, the largest plane (the floor) the sky.

    Shadows and mirrors show what the camera does not see itself: scenes that have them are drawn as a whole.

    Args:
        model: the scene; shapes and what is solid are taken from it once, cameras for each picture.
        aspect: width of the picture over its height.
    """

    def __init__(self, model: mujoco.MjModel, aspect: float) -> None:
        middle, self._half = model.geom_aabb[:, :3, None].copy(), model.geom_aabb[:, 3:].copy()
        planes = model.geom_type == mujoco.mjtGeom.mjGEOM_PLANE
        sizes = model.geom_size[planes, :2]
        middle[planes] = 0.0  # to MuJoCo planes are half-spaces, but it draws rectangles
        self._middle = middle if middle.any() else None
        self._half[planes] = np.c_[np.where(sizes > 0, sizes, UNBOUNDED), np.zeros(len(sizes))]
        solid = _solid(model)
        self._table = self._largest(solid & (model.geom_type == mujoco.mjtGeom.mjGEOM_BOX))
        self._floor = self._largest(solid & planes)
        self._near, self._far = (d * model.stat.extent for d in (model.vis.map.znear, model.vis.map.zfar))
        self._aspect, self._fovy = aspect, model.cam_fovy
        self._usual = not (model.cam_projection.any() or model.cam_sensorsize.any())
        self._usual &= model.vis.quality.shadowsize == 0 and not model.mat_reflectance.any()
        self._everything = np.ones(model.ngeom, bool)

    def _largest(self, among: np.ndarray) -> int | None:
        area = np.where(among, self._half[:, 0] * self._half[:, 1], 0.0)
        return int(area.argmax()) if area.any() else None

    def seen(self, data: mujoco.MjData, camera: int) -> tuple[np.ndarray, bool]:
        """(G,) which geoms may be in the picture of the camera, and whether the sky may be."""
        if not self._usual:
            return self._everything, True
        eye, turn = data.cam_xpos[camera], data.cam_xmat[camera].reshape(3, 3)
        y = tan(0.5 * radians(self._fovy[camera]))
        x = self._aspect * y
        clipped = self._near * sqrt(1.0 + x * x + y * y)  # what is closer to the eye may not be drawn
        rays = _CORNERS * (x, y, -1.0) @ turn.T
        position, frames = data.geom_xpos, data.geom_xmat.reshape(-1, 3, 3)

        # Inward normals of the pyramid: its sides, and the plane through the eye (cameras look along -z).
        sides = np.array([[1, 0, -x], [-1, 0, -x], [0, 1, -y], [0, -1, -y], [0, 0, -1.0]])
        normals, behind_at = sides @ turn.T, None
        sky = True
        if self._floor is not None:
            local, half = self._face(position, frames, self._floor, eye)
            sky = not self._fills(local, half, rays @ frames[self._floor], clipped)
        if self._table is not None:
            frame = frames[self._table]
            local, half = self._face(position, frames, self._table, eye)
            if local[2] > clipped + MARGIN:
                normals = np.concatenate((normals, _shade(local, half) @ frame.T))
                behind_at = local[2] + MARGIN
        # Planes first, geoms last: numpy is slow along short last axes.
        centre = position - eye if self._middle is None else (frames @ self._middle)[..., 0] + position - eye
        edges = frames.transpose(2, 0, 1) * self._half.T[:, :, None]  # (3 edges, G, 3)
        distance = normals @ centre.T
        reach = np.abs(normals @ edges.reshape(-1, 3).T).reshape(len(normals), 3, -1).sum(1)
        seen = (distance[:5] + reach[:5]).min(0) > -MARGIN
        if behind_at is not None:
            behind = distance[5:] - reach[5:]
            behind[4] -= behind_at
            if self._fills(local, half, rays @ frame, clipped):
                sky = False
                seen &= behind[4] <= 0.0
            else:
                seen &= behind.min(0) <= 0.0
        return seen, sky

    def _face(
        self, position: np.ndarray, frames: np.ndarray, geom: int, eye: np.ndarray
    ) -> tuple[list[float], tuple[float, float]]:
        """Where the upper face of a cover sees the eye, x, y, z, and half its size, m."""
        x, y, z = ((eye - position[geom]) @ frames[geom]).tolist()
        a, b, c = self._half[geom].tolist()
        return [x, y, z - c], (a - MARGIN, b - MARGIN)

    def _fills(self, eye: list[float], half: tuple[float, float], rays: np.ndarray, clipped: float) -> bool:
        """Whether a cover is behind all of the picture: the ``rays`` (4, 3) through its corners hit it."""
        if eye[2] <= clipped + MARGIN:
            return False
        for x, y, z in rays.tolist():
            depth = -eye[2] / z if z < 0.0 else self._far
            if depth >= self._far or abs(eye[0] + depth * x) > half[0] or abs(eye[1] + depth * y) > half[1]:
                return False
        return True


def _shade(eye: list[float], half: tuple[float, float]) -> np.ndarray:
    """(5, 3) inward normals of what a face hides: planes through the eye and its sides, and its own plane."""
    (x, y, z), (a, b) = eye, half
    far, near, left, right = hypot(z, x - a), hypot(z, x + a), hypot(z, y - b), hypot(z, y + b)
    return np.array(
        [
            [-z / far, 0.0, (x - a) / far],
            [z / near, 0.0, -(x + a) / near],
            [0.0, -z / left, (y - b) / left],
            [0.0, z / right, -(y + b) / right],
            [0.0, 0.0, -1.0],
        ]
    )


def _solid(model: mujoco.MjModel) -> np.ndarray:
    """(G,) which geoms are drawn, do not move and cannot be looked through."""
    alpha = model.geom_rgba[:, 3].copy()
    dressed = model.geom_matid >= 0
    alpha[dressed] = np.minimum(alpha[dressed], model.mat_rgba[model.geom_matid[dressed], 3])
    drawn = np.asarray(mujoco.MjvOption().geomgroup, bool)[model.geom_group]
    fixed = model.body_weldid[model.geom_bodyid] == 0
    return drawn & fixed & (alpha == 1.0)
