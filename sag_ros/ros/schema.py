"""The one schema of everything that can be configured on the nodes.

ROS parameters, the YAML files, the checks and ``config/parameters.md`` all come from here. Nested models
become dotted parameter names. No ROS import: the command line reads it too.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from sag_ros.control.gripper import GripperSettings
from sag_ros.control.splice import SpliceSettings
from sag_ros.fci.settings import FciSettings
from sag_ros.robots.registry import ARMS

ArmName = Literal[tuple(ARMS)]  # type: ignore[valid-type]
_SPLICE, _GRIPPER, _FCI = SpliceSettings(), GripperSettings(), FciSettings()


def _not_negative(values: list[float]) -> list[float]:
    if min(values) < 0.0:
        raise ValueError(f"every value must be at least 0, one is {min(values)}")
    return values


Vector3 = Annotated[list[float], Field(min_length=3, max_length=3)]
Vector6 = Annotated[list[float], Field(min_length=6, max_length=6), AfterValidator(_not_negative)]
Vector7 = Annotated[list[float], Field(min_length=7, max_length=7), AfterValidator(_not_negative)]
Vector9 = Annotated[list[float], Field(min_length=9, max_length=9)]


def _field(default: Any, text: str, unit: str = "", **bounds: Any) -> Any:
    return Field(default, description=text, json_schema_extra={"unit": unit}, **bounds)


class Section(BaseModel):
    """A group of parameters; unknown keys are refused.

    ``LIVE``: dotted names of those that may be set while the node runs.
    """

    LIVE: ClassVar[frozenset[str]] = frozenset()

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Camera(Section):
    """One camera of the policy."""

    topic: str = _field("", "topic of the camera", min_length=1)
    compressed: bool = _field(False, "CompressedImage (JPEG, PNG) instead of Image")


class Topics(Section):
    """Topics other than the cameras'."""

    joint_states: str = _field("franka/joint_states", "JointState of the arm, any joint order", min_length=1)
    gripper_states: str = _field(
        "franka_gripper/joint_states", "JointState of the fingers; may be the topic above", min_length=1
    )
    trajectory: str = _field(
        "fr3_arm_controller/joint_trajectory", "JointTrajectory to the arm's controller", min_length=1
    )
    gripper_command: str = _field(
        "franka_gripper/command", "JointState: position = finger position = width / 2", min_length=1
    )
    deadman: str = _field("", "Bool, hold to run: true must keep arriving; empty = none")


class CameraQos(Section):
    """Quality of service of the camera subscriptions and publishers."""

    reliability: Literal["best_effort", "reliable"] = _field("best_effort", "as the camera driver publishes")
    depth: int = _field(1, "queue; 1 keeps only the newest frame", ge=1, le=10)


class Watchdog(Section):
    """Ages beyond which the arm is decelerated and held."""

    observation: float = _field(0.25, "of the observation the executed chunk came from", "s", gt=0)
    camera: float = _field(0.2, "of the newest frame of any camera", "s", gt=0)
    cameras_apart: float = _field(0.1, "between the newest frames of two cameras", "s", gt=0)
    joint_state: float = _field(0.1, "of the newest arm JointState", "s", gt=0)
    gripper_state: float = _field(0.5, "of the newest finger JointState", "s", gt=0)
    deadman: float = _field(0.3, "of the newest true on the deadman topic", "s", gt=0)


class Splice(Section):
    """Joining a new chunk to the motion that runs."""

    step: float = _field(_SPLICE.step, "distance of the samples of a trajectory", "s", ge=0.002, le=0.05)
    lead: float = _field(0.02, "now to the first changed sample; covers the way to the arm", "s", ge=0)
    blend: float = _field(_SPLICE.blend, "time in which the difference to the old motion decays", "s", gt=0)
    blend_max: float = _field(_SPLICE.blend_max, "longest blend, for large differences", "s", gt=0)
    blend_acceleration: float = _field(_SPLICE.blend_acceleration, "that a blend may take", "rad/s²", gt=0)
    smoothing: float = _field(_SPLICE.smoothing, "of the curve through the actions; 0 hits each", ge=0)
    jump: float = _field(_SPLICE.jump, "largest distance of an action from the motion", "rad", gt=0)
    beyond: float = _field(_SPLICE.beyond, "how far outside its bounds an action is believed", "rad", ge=0)
    reach: float = _field(
        _SPLICE.reach, "how many times as far as the joint is fast actions may be apart", ge=1
    )
    horizon: float = _field(_SPLICE.horizon, "later actions are not commanded", "s", gt=0)
    stop: float = _field(_SPLICE.stop, "time to come to rest in after the last action", "s", gt=0)


class Limits(Section):
    """What the guard lets pass."""

    factor: float = _field(0.95, "share of the arm's velocity, acceleration and jerk limits", gt=0, le=1)
    position_margin: float = _field(0.005, "kept free at both ends of each joint", "rad", ge=0, le=0.5)
    tracking_error: float = _field(0.15, "of a joint from its command; more is a fault", "rad", gt=0)
    tracking_lag: float = _field(0.15, "that a joint may be further than resume_error from it", "s", gt=0)
    resume_error: float = _field(
        0.05, "of a joint from where it is held; further away it does not go on by itself", "rad", gt=0
    )


class Gripper(Section):
    """Gripper commands."""

    joints: list[str] = _field(
        ["fr3_finger_joint1", "fr3_finger_joint2"], "finger joints in gripper_states", min_length=1
    )
    close_below: float = _field(_GRIPPER.close_below, "wanted width that makes the hand grasp", "m", gt=0)
    open_above: float = _field(_GRIPPER.open_above, "wanted width that makes it let go", "m", gt=0)
    change: float = _field(_GRIPPER.change, "of the wanted width that moves an open hand", "m", gt=0)
    interval: float = _field(_GRIPPER.interval, "between two goals", "s", ge=0)
    ahead: float = _field(_GRIPPER.ahead, "the width wanted so long after now counts", "s", ge=0)
    speed: float = _field(_GRIPPER.speed, "of the width", "m/s", gt=0)
    force: float = _field(_GRIPPER.force, "of a grasp", "N", gt=0)


class Threads(Section):
    """Cores of the two threads that compute; the others run wherever the process may."""

    encoder: int = _field(-1, "core that encodes camera frames; -1 = any", ge=-1)
    inference: int = _field(-1, "core of pruner and denoiser; -1 = any", ge=-1)


class Comparison(Section):
    """Check of the engine against the reference before the arm may move."""

    tolerance: float = _field(1e-3, "largest error relative to the largest action", gt=0)
    tolerance_bf16: float = _field(3e-2, "the same for an engine that computes in bfloat16", gt=0)
    tolerance_int8: float = _field(6e-2, "the same for an engine with int8 weights", gt=0)
    mask_tolerance: float = _field(0.02, "share of the mask that may differ", ge=0, le=1)
    observations: int = _field(1, "observations compared; each costs a dense reference run", ge=1, le=10)


# Parameters of policy_node that may be set while it runs. What is built or subscribed from needs configure.
_LIVE = frozenset(
    {
        "deadline",
        "pictures",
        *(f"watchdog.{name}" for name in Watchdog.model_fields if name not in ("cameras_apart", "deadman")),
        *(f"splice.{name}" for name in Splice.model_fields if name != "step"),
        *(f"limits.{name}" for name in ("tracking_error", "tracking_lag", "resume_error")),
        *(f"gripper.{name}" for name in Gripper.model_fields if name != "joints"),
    }
)


class PolicyNode(Section):
    """Parameters of ``policy_node``."""

    LIVE: ClassVar[frozenset[str]] = _LIVE

    bundle: str = _field("models/pick_release", "folder; relative: in the package", min_length=1)
    arm: ArmName = _field("fr3", "that the policy moves and whose limits are kept")
    engine: str = _field(
        "auto",
        "how plans are executed: auto, tensorrt, cuda_graph, persistent, native, openvino, reference",
        min_length=1,
    )
    precision: Literal["auto", "f32", "bf16", "f16", "int8"] = _field(
        "auto",
        "of the engine, where it has a choice; f16: on GPUs; int8 (of the weights): engine openvino alone",
    )
    sampler: str = _field("ddpm", "ddpm, ddim<steps>, falcon or streaming", min_length=1)
    mask_source: str = _field(
        "sag",
        "which blocks run: sag, dense, uniform10, or a schedule of the policy (sag check-bundle lists them)",
        min_length=1,
    )
    noise: Literal["fresh", "fixed"] = _field("fresh", "new noise for each chunk, or the same per activation")
    seed: int = _field(0, "of the noise", ge=0)
    autostart: bool = _field(False, "configure and activate without a lifecycle manager")
    warm_up: int = _field(10, "chunks computed before the node is configured, not counted", ge=1, le=1000)
    pictures: Literal["hold", "warn", "ignore"] = _field(
        "hold", "what pictures that stand still, show nothing or are unlike those of training lead to"
    )
    deadline: float = _field(0.05, "camera stamp to published command; misses are counted", "s", gt=0)
    tick_rate: float = _field(100.0, "watchdog and supervisor", "Hz", ge=10, le=1000)
    diagnostics_rate: float = _field(2.0, "/diagnostics", "Hz", gt=0, le=50)
    cameras: dict[str, Camera] = _field(
        {"front": Camera(topic="front/image_raw"), "wrist": Camera(topic="wrist/image_raw")},
        "cameras, by the names in the bundle",
        min_length=1,
    )
    topics: Topics = Topics()
    camera_qos: CameraQos = CameraQos()
    watchdog: Watchdog = Watchdog()
    splice: Splice = Splice()
    limits: Limits = Limits()
    gripper: Gripper = Gripper()
    threads: Threads = Threads()
    comparison: Comparison = Comparison()


class SimNode(Section):
    """Parameters of ``sim_node``."""

    task: str = _field("pick_release", "task to simulate", min_length=1)
    arm: ArmName = _field("fr3", "to simulate")
    seed: int = _field(0, "of the first episode; each reset counts one up", ge=0)
    at_home: bool = _field(False, "episodes begin exactly at home, not a little beside it")
    image_size: int = _field(84, "height and width of the camera images", "px", ge=32, le=1024)
    camera_rate: float = _field(60.0, "frames of every camera", "Hz", gt=0, le=120)
    joint_state_rate: float = _field(200.0, "JointState of the arm", "Hz", gt=0, le=1000)
    gripper_state_rate: float = _field(50.0, "JointState of the fingers", "Hz", gt=0, le=1000)
    status_rate: float = _field(10.0, "task status", "Hz", gt=0, le=100)
    slice: float = _field(0.005, "physics advanced at once", "s", ge=0.001, le=0.02)
    log_rate: float = _field(25.0, "states logged for the video", "Hz", gt=0, le=100)
    log_folder: str = _field("", "where episode logs are written; empty = none")
    viewer: Literal["auto", "on", "off"] = _field("off", "MuJoCo window; auto = when there is a display")
    cameras: dict[str, Camera] = _field(
        {"front": Camera(topic="front/image_raw"), "wrist": Camera(topic="wrist/image_raw")},
        "cameras to render, by name",
        min_length=1,
    )
    topics: Topics = Topics()
    camera_qos: CameraQos = CameraQos()
    gripper: Gripper = Gripper()


class GripperNode(Section):
    """Parameters of ``gripper_node``, which only the real robot needs."""

    action_namespace: str = _field("franka_gripper", "where franka_gripper's actions live", min_length=1)
    topics: Topics = Topics()
    gripper: Gripper = Gripper()


class Load(Section):
    """What the robot carries beyond its hand."""

    mass: float = _field(_FCI.load.mass, "of the load", "kg", ge=0, le=5)
    centre: Vector3 = _field(list(_FCI.load.centre), "of mass, in the flange's frame", "m")
    inertia: Vector9 = _field(list(_FCI.load.inertia), "column by column", "kg m²")


class Fci(Section):
    """The robot behind ``fci_node``."""

    interface: Literal["position", "torque"] = _field(
        _FCI.interface, "position: the robot's impedance follows; torque: ours"
    )
    joint_impedance: Vector7 = _field(list(_FCI.joint_impedance), "stiffness of the robot's own", "N m/rad")
    stiffness: Vector7 = _field(list(_FCI.stiffness), "of ours", "N m/rad")
    damping: Vector7 = _field(list(_FCI.damping), "of ours", "N m s/rad")
    contact_torque: Vector7 = _field(list(_FCI.contact_torque), "from which a contact is reported", "N m")
    collision_torque: Vector7 = _field(list(_FCI.collision_torque), "from which the robot stops", "N m")
    contact_force: Vector6 = _field(list(_FCI.contact_force), "from which a contact is reported", "N, N m")
    collision_force: Vector6 = _field(list(_FCI.collision_force), "from which the robot stops", "N, N m")
    load: Load = Load()
    priority: int = _field(_FCI.priority, "of the 1 kHz loop under SCHED_FIFO; 0: none", ge=0, le=99)
    core: int = _field(_FCI.core, "of the loop alone; -1 = any", ge=-1)
    enforce_realtime: bool = _field(_FCI.enforce_realtime, "refuse to run without a real-time kernel")


class FciNode(Section):
    """Parameters of ``fci_node``, the driver of an FR3 without ros2_control."""

    robot_ip: str = _field("", "address of the robot; needed")
    arm: ArmName = _field("fr3", "that is driven and whose limits are kept")
    joint_state_rate: float = _field(250.0, "JointState of the arm", "Hz", ge=200, le=1000)
    gripper_state_rate: float = _field(50.0, "JointState of the fingers", "Hz", gt=0, le=200)
    diagnostics_rate: float = _field(5.0, "/diagnostics", "Hz", gt=0, le=50)
    hand: bool = _field(True, "drive the Franka Hand, too")
    homing: bool = _field(False, "home the hand at the start")
    fci: Fci = Fci()
    topics: Topics = Topics()
    gripper: Gripper = Gripper()


NODES: dict[str, type[Section]] = {
    "policy_node": PolicyNode,
    "sim_node": SimNode,
    "gripper_node": GripperNode,
    "fci_node": FciNode,
}
