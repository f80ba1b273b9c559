"""Pick a soft cylindrical bag, carry it into the zone, release it there.

Success, all of it at the same time and without interruption for ``REST_TIME``:
  * the bag was lifted: at some time before, its underside was more than ``LIFT_HEIGHT`` above the table;
  * it is in the zone: its axis stands within ``ZONE_TOLERANCE`` of the centre of the zone;
  * it is released: neither finger touches it;
  * it is at rest: upright within ``TILT``, slower than ``REST_SPEED``, underside on the table.
"""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

from sag_ros.sim.scene import Scene
from sag_ros.sim.tasks.protocol import TaskStatus

BAG_RADIUS, BAG_HALF_HEIGHT = 0.030, 0.050
LIFT_HEIGHT = 0.05
ZONE_TOLERANCE = 0.05  # the drawn zone has a radius of 0.065 m
REST_TIME, REST_SPEED, TILT = 0.5, 0.02, np.deg2rad(10.0)
START_NOISE = 0.03  # standard deviation of the initial joint positions, rad
GRASP_HEIGHT = 0.072  # of the TCP: the palm clears the top of the bag, the pads hold its upper half

BAG_AREA = np.array([[0.42, -0.24], [0.58, -0.06]])  # (lower, upper) x, y in m
ZONE_AREA = np.array([[0.42, 0.08], [0.58, 0.24]])


@dataclass(frozen=True, kw_only=True)
class PickReleaseStatus(TaskStatus):
    """``distance``: from the axis of the bag to the centre of the zone now, m; see the module."""

    lifted: bool
    in_zone: bool
    released: bool
    at_rest: bool


class PickRelease:
    """Randomisation, privileged state and success of the task; one instance a running episode.

    Attributes:
        scene: name of the MJCF file in ``sim/assets``; tasks may share one.
        time_limit: s after which an episode has failed.
        zone_tolerance, start_noise: m and rad; see the constants of this module.
    """

    name = "pick_release"
    scene = "pick_release"
    time_limit = 15.0
    zone_tolerance = ZONE_TOLERANCE
    start_noise = START_NOISE
    privileged_columns = (
        *("bag_x", "bag_y", "bag_z", "zone_x", "zone_y"),
        *("bag_from_tcp_x", "bag_from_tcp_y", "bag_from_tcp_z", "zone_from_tcp_x", "zone_from_tcp_y"),
        "held",
    )

    def adapt(self, spec: mujoco.MjSpec) -> None:
        """Change the scene before it is compiled; here it is what the file says."""

    def bind(self, scene: Scene) -> None:
        """Look up the bodies in a scene and remember its nominal lights and cameras."""
        model = scene.model
        self._model = model
        self._bag = model.body("bag").id
        joint = model.joint("bag")
        self._bag_qpos, self._bag_dof = joint.qposadr[0], joint.dofadr[0]
        self._bag_geom = model.geom("bag").id
        self._pads = {model.geom("left_pad").id, model.geom("right_pad").id}
        self._zone = model.body("zone").mocapid[0]
        self._tcp = model.site("tcp").id
        self._nominal = {
            name: getattr(model, name).copy()
            for name in ("light_diffuse", "light_dir", "cam_pos", "cam_quat", "body_mass", "body_inertia")
        }

    def randomise(self, data: mujoco.MjData, rng: np.random.Generator) -> None:
        """Draw bag, zone, friction, mass, light and camera jitter of one episode."""
        model, nominal = self._model, self._nominal
        bag = rng.uniform(*BAG_AREA)
        zone = rng.uniform(*ZONE_AREA)
        yaw = rng.uniform(-np.pi, np.pi)
        data.qpos[self._bag_qpos : self._bag_qpos + 7] = [
            *(*bag, BAG_HALF_HEIGHT - 0.002),
            *(np.cos(yaw / 2), 0, 0, np.sin(yaw / 2)),
        ]
        data.mocap_pos[self._zone] = [*zone, 0.0]
        model.geom_friction[self._bag_geom, 0] = rng.uniform(0.8, 1.4)
        scale = rng.uniform(0.7, 1.5)
        model.body_mass[self._bag] = nominal["body_mass"][self._bag] * scale
        model.body_inertia[self._bag] = nominal["body_inertia"][self._bag] * scale
        model.light_diffuse[:] = (
            nominal["light_diffuse"] * rng.uniform(0.75, 1.15) * rng.uniform(0.94, 1.06, 3)
        )
        model.light_dir[:] = nominal["light_dir"] + rng.normal(0, 0.12, nominal["light_dir"].shape)
        model.light_dir[:] /= np.linalg.norm(model.light_dir, axis=1, keepdims=True)
        model.cam_pos[:] = nominal["cam_pos"] + rng.normal(0, 0.002, nominal["cam_pos"].shape)
        for camera in range(model.ncam):
            tilt = rng.normal(0, np.deg2rad(0.3), 3)
            turn = np.empty(4)
            mujoco.mju_axisAngle2Quat(
                turn, tilt / (np.linalg.norm(tilt) + 1e-12), float(np.linalg.norm(tilt))
            )
            mujoco.mju_mulQuat(model.cam_quat[camera], nominal["cam_quat"][camera], turn)
        self._lifted = self._success = False
        self._settled_since = np.inf

    def advance(self, data: mujoco.MjData) -> None:
        """Move what moves by itself; called every 10 ms of simulated time. Here nothing does."""

    def bag_position(self, data: mujoco.MjData) -> np.ndarray:
        """(3,) centre of the bag, m."""
        return data.xpos[self._bag].copy()

    def zone_position(self, data: mujoco.MjData) -> np.ndarray:
        """(2,) centre of the zone, m."""
        return data.mocap_pos[self._zone, :2].copy()

    def release_position(self, data: mujoco.MjData) -> np.ndarray:
        """(2,) where the centre of the zone will be when the bag arrives there, m; for the expert."""
        return self.zone_position(data)

    def privileged(self, data: mujoco.MjData) -> np.ndarray:
        """(11,) what only the simulator knows, columns ``privileged_columns``; supervises the encoder."""
        bag, zone, tcp = data.xpos[self._bag], data.mocap_pos[self._zone], data.site_xpos[self._tcp]
        return np.r_[bag, zone[:2], bag - tcp, zone[:2] - tcp[:2], float(self._touched(data))]

    def _touched(self, data: mujoco.MjData) -> bool:
        # As one array: an object for each contact takes a hundred times as long.
        pairs = data.contact.geom[: data.ncon].tolist()
        return any(self._bag_geom in pair and not self._pads.isdisjoint(pair) for pair in pairs)

    def status(self, data: mujoco.MjData) -> PickReleaseStatus:
        """Evaluate the success condition; call it at 20 Hz or more while the episode runs."""
        bag = data.xpos[self._bag]
        underside = bag[2] - BAG_HALF_HEIGHT
        self._lifted |= bool(underside > LIFT_HEIGHT)
        distance = float(np.linalg.norm(bag[:2] - data.mocap_pos[self._zone, :2]))
        in_zone = distance < self.zone_tolerance
        released = not self._touched(data)
        upright = data.xmat[self._bag, 8] > np.cos(TILT)
        speed = np.linalg.norm(data.qvel[self._bag_dof : self._bag_dof + 3])
        at_rest = bool(upright and speed < REST_SPEED and underside < 0.01)
        if self._lifted and in_zone and released and at_rest:
            self._settled_since = min(self._settled_since, data.time)
        else:
            self._settled_since = np.inf
        self._success |= bool(data.time - self._settled_since >= REST_TIME)
        message = self._message(in_zone, released)
        return PickReleaseStatus(
            lifted=self._lifted,
            in_zone=in_zone,
            released=released,
            at_rest=at_rest,
            success=self._success,
            message=message,
            distance=distance,
        )

    def _message(self, in_zone: bool, released: bool) -> str:
        if self._success:
            return "released in the zone"
        if not self._lifted:
            return "holding the bag" if not released else "reaching for the bag"
        if not released:
            return "carrying the bag" if not in_zone else "over the zone"
        return "released, settling" if in_zone else "released outside the zone"


TASK = PickRelease
