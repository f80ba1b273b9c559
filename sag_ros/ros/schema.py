"""The one schema of everything that can be configured on the nodes.

ROS parameters, the YAML files, the checks and ``config/parameters.md`` all come from here. Nested models
become dotted parameter names. No ROS import: the command line reads it too.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from sag_ros.control.splice import SpliceSettings
from sag_ros.fci.settings import FciSettings
from sag_ros.ros.choices import Chosen, Next
from sag_ros.ros.sections import (
    ArmName,
    Camera,
    CameraQos,
    Gripper,
    Operator,
    Place,
    RecorderNode,
    Section,
    Signal,
    Topics,
    Vector3,
    Vector6,
    Vector7,
    Vector9,
    ViewNode,
    param,
)

_SPLICE, _FCI = SpliceSettings(), FciSettings()
_PREFIX = "before the joints' names in messages: left_ makes left_fr3_joint1"


class Watchdog(Section):
    """Ages beyond which the arm is decelerated and held."""

    observation: float = param(0.25, "of the observation the executed chunk came from", "s", gt=0)
    camera: float = param(0.2, "of the newest frame of any camera", "s", gt=0)
    signal: float = param(0.2, "of the newest message of any signal", "s", gt=0)
    cameras_apart: float = param(0.1, "between the newest frames of two cameras", "s", gt=0)
    joint_state: float = param(0.1, "of the newest arm JointState", "s", gt=0)
    gripper_state: float = param(0.5, "of the newest finger JointState", "s", gt=0)
    deadman: float = param(0.3, "of the newest true on the deadman topic", "s", gt=0)


class Splice(Section):
    """Joining a new chunk to the motion that runs."""

    step: float = param(_SPLICE.step, "distance of the samples of a trajectory", "s", ge=0.002, le=0.05)
    lead: float = param(0.02, "now to the first changed sample; covers the way to the arm", "s", ge=0)
    delay: float = param(
        _SPLICE.delay, "and its observation to there, at least; less than a chunk lasts", "s", ge=0, le=1
    )
    blend: float = param(_SPLICE.blend, "time in which the difference to the old motion decays", "s", gt=0)
    blend_max: float = param(_SPLICE.blend_max, "longest blend, for large differences", "s", gt=0)
    blend_acceleration: float = param(_SPLICE.blend_acceleration, "that a blend may take", "rad/s²", gt=0)
    smoothing: float = param(_SPLICE.smoothing, "of the curve through the actions; 0 hits each", ge=0)
    jump: float = param(_SPLICE.jump, "largest distance of an action from the motion", "rad", gt=0)
    beyond: float = param(_SPLICE.beyond, "how far outside its bounds an action is believed", "rad", ge=0)
    reach: float = param(
        _SPLICE.reach, "how many times as far as the joint is fast actions may be apart", ge=1
    )
    horizon: float = param(_SPLICE.horizon, "later actions are not commanded", "s", gt=0)
    stop: float = param(_SPLICE.stop, "time to come to rest in after the last action", "s", gt=0)


class Limits(Section):
    """What the guard lets pass."""

    factor: float = param(0.95, "share of the arm's velocity, acceleration and jerk limits", gt=0, le=1)
    position_margin: float = param(0.005, "kept free at both ends of each joint", "rad", ge=0, le=0.5)
    tracking_error: float = param(0.15, "of a joint from its command; more is a fault", "rad", gt=0)
    tracking_lag: float = param(0.15, "that a joint may be further than resume_error from it", "s", gt=0)
    rest_error: float = param(
        0.02,
        "of a joint at rest from all it was commanded within tracking_lag; more for 0.1 s is a fault: that "
        "did not arrive; not where topics.desired_states tells what arrives",
        "rad",
        gt=0,
    )
    command_error: float = param(
        0.002,
        "of what a controller follows from all it was commanded within command_lag; more for 0.1 s is a "
        "fault: that did not arrive",
        "rad",
        gt=0,
    )
    command_lag: float = param(0.03, "that a controller may take to follow", "s", ge=0, le=0.5)
    resume_error: float = param(
        0.05, "of a joint from where it is held; further away it does not go on by itself", "rad", gt=0
    )


class Threads(Section):
    """What makes the node punctual on a machine that has other work; Linux refuses most of it by default."""

    encoder: int = param(-1, "core that encodes camera frames; -1 = any", ge=-1)
    inference: int = param(-1, "core of pruner and denoiser; -1 = any", ge=-1)
    priority: int = param(
        0, "of all threads under SCHED_FIFO, one less of those that compute; 0: none", ge=0, le=99
    )
    lock_memory: bool = param(False, "nothing of the node is ever swapped out")


class Comparison(Section):
    """Check of the engine against the reference before the arm may move."""

    tolerance: float = param(1e-3, "largest error relative to the largest action", gt=0)
    tolerance_bf16: float = param(3e-2, "the same for an engine that computes in bfloat16", gt=0)
    tolerance_int8: float = param(6e-2, "the same for an engine with int8 weights", gt=0)
    mask_tolerance: float = param(0.02, "share of the mask that may differ", ge=0, le=1)
    observations: int = param(1, "observations compared; each costs a dense reference run", ge=1, le=10)

    @property
    def lower(self) -> dict[str, float]:
        """Precision -> tolerance, where it is another than ``tolerance``."""
        half = self.tolerance_bf16
        return {"bf16": half, "f16": half, "int16": half, "int8": self.tolerance_int8}


# Parameters of policy_node that may be set while it runs. What is built or subscribed from needs configure.
_LIVE = frozenset(
    {
        "deadline",
        "ladder_latency",
        "pictures",
        *(f"watchdog.{name}" for name in Watchdog.model_fields if name not in ("cameras_apart", "deadman")),
        *(f"splice.{name}" for name in Splice.model_fields if name != "step"),
        *(
            f"limits.{name}"
            for name in (
                "tracking_error",
                "tracking_lag",
                "rest_error",
                "resume_error",
                "command_error",
                "command_lag",
            )
        ),
        *(f"gripper.{name}" for name in Gripper.model_fields if name != "joints"),
        *(f"operator.{name}" for name in Operator.model_fields),
        *(f"next.{name}" for name in Next.model_fields),
    }
)


class PolicyNode(Chosen):
    """Parameters of ``policy_node``."""

    LIVE: ClassVar[frozenset[str]] = _LIVE

    arm: ArmName = param("fr3", "that the policy moves and whose limits are kept")
    joint_prefix: str = param("", _PREFIX)
    engine: str = param(
        "auto",
        "how plans are executed: auto, tensorrt, cuda_graph, persistent, native, openvino, reference",
        min_length=1,
    )
    precision: Literal["auto", "f32", "bf16", "f16", "int16", "int8"] = param(
        "auto",
        "of the engine, where it has a choice; f16: on GPUs; int8 (of the weights): engine openvino alone",
    )
    ladder: bool = param(
        True, "when chunks come late, take the cheaper rungs that the bundle names, then fewer frames"
    )
    ladder_latency: float = param(
        0.1, "camera stamp to command; one rung less when half of the chunks take longer", "s", gt=0
    )
    noise: Literal["fresh", "fixed"] = param("fresh", "new noise for each chunk, or the same per activation")
    seed: int = param(0, "of the noise", ge=0)
    autostart: bool = param(False, "configure and activate without a lifecycle manager")
    warm_up: int = param(10, "chunks computed before the node is configured, not counted", ge=1, le=1000)
    pictures: Literal["hold", "warn", "ignore"] = param(
        "hold", "what pictures that stand still, show nothing or are unlike those of training lead to"
    )
    deadline: float = param(0.05, "camera stamp to published command; misses are counted", "s", gt=0)
    tick_rate: float = param(100.0, "watchdog and supervisor", "Hz", ge=10, le=1000)
    diagnostics_rate: float = param(2.0, "/diagnostics", "Hz", gt=0, le=50)
    cameras: dict[str, Camera] = param(
        {"front": Camera(topic="front/image_raw"), "wrist": Camera(topic="wrist/image_raw")},
        "cameras, by the names in the bundle",
        min_length=1,
    )
    signals: dict[str, Signal] = param(
        {}, "what else the policy observes, by the names in the bundle", validate_default=True
    )
    rate: float = param(
        50.0, "chunks of a policy without cameras, which nothing else paces", "Hz", gt=0, le=200
    )
    topics: Topics = Topics()
    camera_qos: CameraQos = CameraQos()
    watchdog: Watchdog = Watchdog()
    splice: Splice = Splice()
    limits: Limits = Limits()
    gripper: Gripper = Gripper()
    operator: Operator = Operator()
    threads: Threads = Threads()
    comparison: Comparison = Comparison()


class SimNode(Section):
    """Parameters of ``sim_node``."""

    task: str = param("pick_release", "task to simulate", min_length=1)
    arm: ArmName = param("fr3", "to simulate")
    joint_prefix: str = param("", _PREFIX)
    seed: int = param(0, "of the first episode; each reset counts one up", ge=0)
    at_home: bool = param(False, "episodes begin exactly at home, not a little beside it")
    image_size: int = param(84, "height and width of the camera images", "px", ge=32, le=1024)
    camera_rate: float = param(60.0, "frames of every camera", "Hz", gt=0, le=120)
    joint_state_rate: float = param(200.0, "JointState of the arm", "Hz", gt=0, le=1000)
    desired_state_rate: float = param(100.0, "JointState of the controller's set points", "Hz", gt=0, le=1000)
    gripper_state_rate: float = param(50.0, "JointState of the fingers", "Hz", gt=0, le=1000)
    status_rate: float = param(10.0, "task status", "Hz", gt=0, le=100)
    slice: float = param(0.005, "physics advanced at once", "s", ge=0.001, le=0.02)
    log_rate: float = param(25.0, "states logged for the video", "Hz", gt=0, le=100)
    log_folder: str = param("", "where episode logs are written; empty = none")
    viewer: Literal["auto", "on", "off"] = param("off", "MuJoCo window; auto = when there is a display")
    signals: dict[str, Place] = param(
        {}, "places that only the simulator knows, by name, as bag or zone", validate_default=True
    )
    signal_rate: float = param(60.0, "messages of every signal", "Hz", gt=0, le=200)
    cameras: dict[str, Camera] = param(
        {"front": Camera(topic="front/image_raw"), "wrist": Camera(topic="wrist/image_raw")},
        "cameras to render, by name",
        min_length=1,
    )
    topics: Topics = Topics()
    camera_qos: CameraQos = CameraQos()
    gripper: Gripper = Gripper()


class GripperNode(Section):
    """Parameters of ``gripper_node``, which only the real robot needs."""

    action_namespace: str = param("franka_gripper", "where franka_gripper's actions live", min_length=1)
    topics: Topics = Topics()
    gripper: Gripper = Gripper()


class Load(Section):
    """What the robot carries beyond its hand."""

    mass: float = param(_FCI.load.mass, "of the load", "kg", ge=0, le=5)
    centre: Vector3 = param(list(_FCI.load.centre), "of mass, in the flange's frame", "m")
    inertia: Vector9 = param(list(_FCI.load.inertia), "column by column", "kg m²")


class Fci(Section):
    """The robot behind ``fci_node``."""

    interface: Literal["position", "torque"] = param(
        _FCI.interface, "position: the robot's impedance follows; torque: ours"
    )
    joint_impedance: Vector7 = param(list(_FCI.joint_impedance), "stiffness of the robot's own", "N m/rad")
    stiffness: Vector7 = param(list(_FCI.stiffness), "of ours", "N m/rad")
    damping: Vector7 = param(list(_FCI.damping), "of ours", "N m s/rad")
    contact_torque: Vector7 = param(list(_FCI.contact_torque), "from which a contact is reported", "N m")
    collision_torque: Vector7 = param(list(_FCI.collision_torque), "from which the robot stops", "N m")
    contact_force: Vector6 = param(list(_FCI.contact_force), "from which a contact is reported", "N, N m")
    collision_force: Vector6 = param(list(_FCI.collision_force), "from which the robot stops", "N, N m")
    load: Load = Load()
    priority: int = param(_FCI.priority, "of the 1 kHz loop under SCHED_FIFO; 0: none", ge=0, le=99)
    core: int = param(_FCI.core, "of the loop alone; -1 = any", ge=-1)
    enforce_realtime: bool = param(_FCI.enforce_realtime, "refuse to run without a real-time kernel")


class FciNode(Section):
    """Parameters of ``fci_node``, the driver of an FR3 without ros2_control."""

    robot_ip: str = param("", "address of the robot; needed")
    arm: ArmName = param("fr3", "that is driven and whose limits are kept")
    joint_prefix: str = param("", _PREFIX)
    joint_state_rate: float = param(250.0, "JointState of the arm", "Hz", ge=200, le=1000)
    gripper_state_rate: float = param(50.0, "JointState of the fingers", "Hz", gt=0, le=200)
    diagnostics_rate: float = param(5.0, "/diagnostics", "Hz", gt=0, le=50)
    hand: bool = param(True, "drive the Franka Hand, too")
    homing: bool = param(False, "home the hand at the start")
    fci: Fci = Fci()
    topics: Topics = Topics()
    gripper: Gripper = Gripper()


NODES: dict[str, type[Section]] = {
    "policy_node": PolicyNode,
    "sim_node": SimNode,
    "gripper_node": GripperNode,
    "fci_node": FciNode,
    "view_node": ViewNode,
    "recorder_node": RecorderNode,
}
