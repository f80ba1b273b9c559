import mujoco
import numpy as np
import pytest

from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.robots.registry import find_arm
from sag_ros.sim.cameras import Cameras
from sag_ros.sim.robot import SimulatedRobot
from sag_ros.sim.scene import Scene, load_scene
from sag_ros.sim.sight import Sight

SIZE = 84


def pose_anywhere(robot: SimulatedRobot, rng: np.random.Generator) -> None:
    """Put the arm, the bag and the zone where they have never been: the cameras see any part of the scene."""
    data, arm = robot._data, robot.arm
    data.qpos[robot.scene.arm_qpos] = arm.home + rng.normal(0.0, 0.6, arm.dof)
    bag = robot.scene.model.joint("bag").qposadr[0]
    data.qpos[bag : bag + 3] += rng.uniform(-0.2, 0.2, 3)
    data.mocap_pos[:] += rng.uniform(-0.1, 0.1, data.mocap_pos.shape)


def plain_picture(renderer: mujoco.Renderer, robot: SimulatedRobot, camera: str) -> np.ndarray:
    """What MuJoCo itself draws of everything, as the simulator's physics have it."""
    mujoco.mj_kinematics(robot.scene.model, robot._data)
    mujoco.mj_comPos(robot.scene.model, robot._data)
    mujoco.mj_camlight(robot.scene.model, robot._data)
    renderer.update_scene(robot._data, camera)
    return renderer.render().copy()


@pytest.mark.parametrize(
    ("task", "arm"), [("pick_release", "fr3"), ("pick_release_hard", "fr3"), ("pick_release", "ur5e")]
)
def test_pictures_are_those_of_mujoco_to_the_pixel(task: str, arm: str) -> None:
    robot = SimulatedRobot(task, SIZE, find_arm(arm))
    rng = np.random.default_rng(0)
    with mujoco.Renderer(robot.scene.model, SIZE, SIZE) as renderer:
        renderer.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 0
        for seed in range(12):
            robot.reset(seed)  # other lights, other cameras
            if seed % 4:
                pose_anywhere(robot, rng)
            for camera in ("front", "wrist", "video"):
                expected = plain_picture(renderer, robot, camera)
                renderer._gl_context.make_current()
                np.testing.assert_array_equal(robot.render(camera), expected, f"{camera}, episode {seed}")
    robot.close()


def test_what_a_camera_cannot_see_is_not_drawn() -> None:
    robot = SimulatedRobot()
    robot.reset(0)
    model = robot.scene.model
    sight = Sight(model, 1.0)
    leg = model.geom("table_edge").id + 1
    for camera, most in (("front", 48), ("wrist", 40)):
        seen, sky = sight.seen(robot._data, model.camera(camera).id)
        assert not sky
        assert seen.sum() <= most
        assert seen[[model.geom(name).id for name in ("table", "bag")]].all()
        assert not seen[leg]
    assert not sight.seen(robot._data, model.camera("wrist").id)[0][model.geom("table_edge").id + 4]


SPHERE = '<geom name="ball" type="sphere" size="0.1" pos="{}" contype="0" conaffinity="0"/>'


@pytest.mark.parametrize(
    ("position", "seen"),
    [
        ("0 0 0.2", True),
        ("0 0 -0.2", False),  # behind the table
        ("1.1 0 -0.2", True),  # beside it
        ("1.1 0 -1.9", False),  # the same place far below is behind it
        ("1.6 0 -1.9", True),  # half behind it
        ("0 0 -0.05", True),  # stands out of it
        ("9 0 0.2", False),  # beside the picture
        ("0 0 4", False),  # behind the camera
    ],
)
@pytest.mark.parametrize("alpha", [1.0, 0.5])
def test_covers_hide_only_what_is_behind_them(position: str, seen: bool, alpha: float) -> None:
    model = mujoco.MjModel.from_xml_string(f"""<mujoco><worldbody>
      <camera name="above" pos="0 0 3" fovy="60"/>
      <geom name="table" type="box" size="1 1 0.01" rgba="1 1 1 {alpha}"/>
      {SPHERE.format(position)}</worldbody></mujoco>""")
    model.vis.quality.shadowsize = 0
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    in_view = position not in ("9 0 0.2", "0 0 4")
    mask, sky = Sight(model, 1.0).seen(data, 0)
    assert mask[model.geom("table").id]
    assert mask[model.geom("ball").id] == (seen if alpha == 1.0 else in_view)
    assert sky  # the table does not fill the picture


def test_scenes_with_shadows_are_drawn_as_a_whole() -> None:
    scene = load_scene("pick_release", FR3, detailed=True)
    seen, sky = Sight(scene.model, 1.0).seen(mujoco.MjData(scene.model), 0)
    assert seen.all()
    assert sky


def test_an_unknown_camera_is_refused() -> None:
    robot = SimulatedRobot()
    scene: Scene = robot.scene
    cameras = Cameras(scene, 8, 8)
    with pytest.raises(KeyError, match="top"):
        cameras.render("top")
    cameras.close()
