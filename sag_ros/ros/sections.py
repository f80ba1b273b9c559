"""What the parameters of several nodes are made of, and those of nodes that only look on.

The others: :mod:`sag_ros.ros.schema`.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from sag_ros.control.gripper import GripperSettings
from sag_ros.control.states import SupervisorSettings
from sag_ros.robots.registry import ARMS

ArmName = Literal[tuple(ARMS)]  # type: ignore[valid-type]
_GRIPPER = GripperSettings()
VIEW_NODE = "view_node"
# Their subscriptions of a command do not mean that anybody executes it.
ONLOOKERS = frozenset({VIEW_NODE, "recorder_node", "latency_listener"})


def _not_negative(values: list[float]) -> list[float]:
    if min(values) < 0.0:
        raise ValueError(f"every value must be at least 0, one is {min(values)}")
    return values


Vector3 = Annotated[list[float], Field(min_length=3, max_length=3)]
Vector6 = Annotated[list[float], Field(min_length=6, max_length=6), AfterValidator(_not_negative)]
Vector7 = Annotated[list[float], Field(min_length=7, max_length=7), AfterValidator(_not_negative)]
Vector9 = Annotated[list[float], Field(min_length=9, max_length=9)]


def param(default: Any, text: str, unit: str = "", **bounds: Any) -> Any:
    """A parameter: its default, its meaning, its unit, its bounds."""
    return Field(default, description=text, json_schema_extra={"unit": unit}, **bounds)


class Section(BaseModel):
    """A group of parameters; unknown keys are refused.

    ``LIVE``: dotted names of those that may be set while the node runs.
    """

    LIVE: ClassVar[frozenset[str]] = frozenset()

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Camera(Section):
    """One camera of the policy."""

    topic: str = param("", "topic of the camera", min_length=1)
    compressed: bool = param(False, "CompressedImage (JPEG, PNG) instead of Image")


class Signal(Section):
    """What a policy observes besides cameras, arm and hand; by its name in the bundle."""

    topic: str = param("", "topic of the signal", min_length=1)
    type: str = param("", "of its messages, as geometry_msgs/msg/PoseStamped", min_length=1)
    fields: list[str] = param(
        [], "paths to numbers, as pose.position or data[0:3]; of a message all that is in it", min_length=1
    )
    scale: float = param(1.0, "times the numbers, to the unit of the policy: 0.001 for mm to m")


class Place(Section):
    """A place that the simulator tells, as PointStamped."""

    topic: str = param("", "topic of the place", min_length=1)


class Topics(Section):
    """Topics other than the cameras'."""

    joint_states: str = param("franka/joint_states", "JointState of the arm, any joint order", min_length=1)
    gripper_states: str = param(
        "franka_gripper/joint_states", "JointState of the fingers; may be the topic above", min_length=1
    )
    trajectory: str = param(
        "fr3_arm_controller/joint_trajectory", "JointTrajectory to the arm's controller", min_length=1
    )
    gripper_command: str = param(
        "franka_gripper/command", "JointState: position = finger position = width / 2", min_length=1
    )
    desired_states: str = param(
        "franka_robot_state_broadcaster/desired_joint_states",
        "JointState of what the controller follows: tells whether commands arrive; not compared while nobody "
        "publishes it; empty = never",
    )
    deadman: str = param("", "Bool, hold to run: true must keep arriving; empty = none")
    takeover: str = param(
        "", "Bool: true = a human has the arm, until false comes; the policy is silent; empty = none"
    )


class Operator(Section):
    """What operators ask of the arm beside starting and stopping it."""

    home_speed: float = param(
        SupervisorSettings.home_speed, "of the fastest joint on the way home", "rad/s", ge=0.01, le=1.0
    )
    resume_after_takeover: bool = param(
        False, "when the arm was given back and is at rest, a policy that ran before goes on by itself"
    )


class CameraQos(Section):
    """Quality of service of the camera subscriptions and publishers."""

    reliability: Literal["best_effort", "reliable"] = param("best_effort", "as the camera driver publishes")
    depth: int = param(1, "queue; 1 keeps only the newest frame", ge=1, le=10)


class RecorderNode(Section):
    """Parameters of ``recorder_node``, the flight recorder."""

    policy: str = param("policy_node", "node that is recorded, with all that it hears", min_length=1)
    task_status: str = param(
        "sim_node/task_status", "String with JSON: episode, success, message; empty = nobody tells"
    )
    seconds: float = param(30.0, "kept in memory", "s", ge=1, le=3600)
    memory: float = param(256.0, "that what is kept may take; the oldest goes first", "MB", ge=1, le=16384)
    folder: str = param("~/.ros/sag_ros/recordings", "of the recordings", min_length=1)
    quota: float = param(
        4096.0, "that all recordings in the folder may take; the oldest are removed", "MB", ge=1
    )
    save_on: list[Literal["stop", "fault", "failure"]] = param(
        ["stop", "fault", "failure"],
        "what has a recording written: the arm was stopped or held, a fault, an episode without success",
    )
    after: float = param(2.0, "of what follows is in such a recording, too", "s", ge=0, le=30)
    continuous: bool = param(False, "write all the time, beside what save_on asks for")
    roll: float = param(60.0, "in each file of those that are written all the time", "s", ge=5, le=3600)
    period: float = param(0.02, "between two looks at what has come", "s", ge=0.005, le=0.1)
    queue: int = param(200, "messages of a topic that may wait for a look", ge=10, le=10000)
    niceness: int = param(10, "of the process: how much it gives way to others", ge=0, le=19)


class Gripper(Section):
    """Gripper commands."""

    joints: list[str] = param(
        ["fr3_finger_joint1", "fr3_finger_joint2"], "finger joints in gripper_states", min_length=1
    )
    close_below: float = param(_GRIPPER.close_below, "wanted width that makes the hand grasp", "m", gt=0)
    open_above: float = param(_GRIPPER.open_above, "wanted width that makes it let go", "m", gt=0)
    change: float = param(_GRIPPER.change, "of the wanted width that moves an open hand", "m", gt=0)
    interval: float = param(_GRIPPER.interval, "between two goals", "s", ge=0)
    ahead: float = param(_GRIPPER.ahead, "the width wanted so long after now counts", "s", ge=0)
    patience: float = param(
        _GRIPPER.patience, "after which a grasp or release is done that every chunk puts off", "s", ge=0
    )
    speed: float = param(_GRIPPER.speed, "of the width", "m/s", gt=0)
    force: float = param(_GRIPPER.force, "of a grasp", "N", gt=0)


class ViewNode(Section):
    """Parameters of ``view_node``. Topics, cameras, deadline and policies it asks ``policy`` for."""

    host: str = param(
        "127.0.0.1", "address to serve on; beyond this machine only with token_file", min_length=1
    )
    port: int = param(8088, "to serve on; 0 = any that is free", ge=0, le=65535)
    token_file: str = param(
        "", "file whose first line everybody has to enter; empty = nothing asked, on this machine alone"
    )
    names: str = param(
        "", "of this machine in a browser's address line, besides its own and localhost; with spaces between"
    )
    rate: float = param(10.0, "pictures and values", "Hz", ge=1, le=10)
    width: int = param(320, "of camera pictures, at most", "px", ge=64, le=1280)
    quality: int = param(75, "of camera pictures as JPEG", ge=20, le=95)
    policy: str = param("policy_node", "node that is shown and whose services the buttons call", min_length=1)
    simulator: str = param("sim_node", "node that resets episodes, where there is one", min_length=1)
    recorder: str = param("recorder_node", "node that saves what happened, where there is one", min_length=1)
