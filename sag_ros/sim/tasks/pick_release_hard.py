"""Pick and release with less room for error: a wider bag, a zone that moves, a smaller target, less time.

The episode of a seed is that of ``pick_release`` (bag, zone, start, light, cameras), except that

  * the bag is wider, ``BAG_RADIUS``: of the 40 mm that each finger opens, 5 mm are left;
  * the zone moves by ``ZONE_SHIFT`` while the arm approaches and carries, smoothly, in a random direction
    that keeps it in the area of ``pick_release``, and then rests;
  * the whole foot of the bag must stand on the drawn zone (radius 65 mm): ``ZONE_TOLERANCE``;
  * the episode ends after ``TIME_LIMIT``: enough for one clean attempt, not for a hesitant policy or for
    a second one after a missed grasp.
"""

from __future__ import annotations

import mujoco
import numpy as np

from sag_ros.sim.tasks import pick_release
from sag_ros.sim.tasks.pick_release import ZONE_AREA, PickRelease

BAG_RADIUS = 0.035
ZONE_TOLERANCE = 0.030
ZONE_SHIFT = 0.06  # m
ZONE_BEGIN, ZONE_END = 1.0, 4.0  # of its motion, s; the expert arrives over the zone after about 4 s
TIME_LIMIT = 7.0


class PickReleaseHard(PickRelease):
    """See the module."""

    name = "pick_release_hard"
    time_limit = TIME_LIMIT
    zone_tolerance = ZONE_TOLERANCE

    def adapt(self, spec: mujoco.MjSpec) -> None:
        """Widen the bag and what is drawn around it, but not the knot on top."""
        for geom in spec.body("bag").geoms:
            if geom.size[0] > 0.5 * pick_release.BAG_RADIUS:
                ellipsoid = geom.type == mujoco.mjtGeom.mjGEOM_ELLIPSOID
                geom.size[: 2 if ellipsoid else 1] *= BAG_RADIUS / pick_release.BAG_RADIUS

    def randomise(self, data: mujoco.MjData, rng: np.random.Generator) -> None:
        """As in pick_release, and the direction in which the zone moves, from a stream of its own."""
        super().randomise(data, rng)
        (own,) = rng.spawn(1)
        self._zone_start = self.zone_position(data)
        inside = False  # of four perpendicular directions at least one stays inside, so this ends
        while not inside:
            angle = own.uniform(-np.pi, np.pi)
            self._zone_end = self._zone_start + ZONE_SHIFT * np.array([np.cos(angle), np.sin(angle)])
            inside = bool(((ZONE_AREA[0] <= self._zone_end) & (self._zone_end <= ZONE_AREA[1])).all())

    def advance(self, data: mujoco.MjData) -> None:
        """Move the zone on a minimum-jerk profile."""
        s = np.clip((data.time - ZONE_BEGIN) / (ZONE_END - ZONE_BEGIN), 0.0, 1.0)
        progress = s**3 * (10 - 15 * s + 6 * s**2)
        data.mocap_pos[self._zone, :2] = self._zone_start + progress * (self._zone_end - self._zone_start)

    def release_position(self, data: mujoco.MjData) -> np.ndarray:
        """(2,) where the zone comes to rest, m."""
        return self._zone_end.copy()


TASK = PickReleaseHard
