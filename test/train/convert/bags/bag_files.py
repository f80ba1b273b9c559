"""Small bags, written as a recorder writes them. Everything in them moves evenly, so that what lies between
two messages is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from sag_ros.robots.fr3 import ARM
from sag_ros.train.convert.command import Conversion

BEGIN = 1_700_000_000 * 1_000_000_000  # ns
ARM_STATES, HAND_STATES = "/franka/joint_states", "/franka_gripper/joint_states"
DESIRED, HAND, FRONT, WRIST = "/desired", "/franka_gripper/command", "/front/image_raw", "/wrist/image_raw"
SLOPES = 0.02 * np.arange(1, 8)  # rad/s
STATE = (f"joint_position={ARM_STATES}", f"gripper_width={HAND_STATES}")
ACTION = (f"joint_position={DESIRED}", f"gripper_width={HAND}")
CAMERAS = (f"front={FRONT}", f"wrist={WRIST}")
SECONDS = 2.0

# topic, s when it was recorded, message
Message = tuple[str, float, Any]


@cache
def store() -> Any:
    """Definitions of messages."""
    from rosbags.typesys import Stores, get_typestore

    return get_typestore(Stores.ROS2_JAZZY)


def types() -> dict[str, Any]:
    """Classes of messages by their names."""
    return store().types


def time(seconds: float) -> Any:
    """A stamp."""
    whole = BEGIN + round(seconds * 1e9)
    return types()["builtin_interfaces/msg/Time"](whole // 10**9, whole % 10**9)


def header(seconds: float) -> Any:
    return types()["std_msgs/msg/Header"](time(seconds), "")


def joint_state(seconds: float, names: Iterable[str], positions: Iterable[float]) -> Any:
    nothing = np.empty(0)
    kind = types()["sensor_msgs/msg/JointState"]
    return kind(header(seconds), list(names), np.array(list(positions), np.float64), nothing, nothing)


def image(seconds: float, level: int, encoding: str = "rgb8", channels: int = 3) -> Any:
    """A picture whose red is ``level``."""
    pixels = np.zeros((28, 28, channels), np.uint8)
    pixels[..., 2 if encoding.startswith("bgr") else 0] = level
    kind = types()["sensor_msgs/msg/Image"]
    return kind(header(seconds), 28, 28, encoding, 0, 28 * channels, pixels.ravel())


def compressed(seconds: float, level: int, suffix: str = ".png") -> Any:
    pixels = np.zeros((56, 56, 3), np.uint8)
    pixels[..., 2] = level
    data = np.frombuffer(cv2.imencode(suffix, pixels)[1].tobytes(), np.uint8)
    return types()["sensor_msgs/msg/CompressedImage"](header(seconds), suffix[1:], data)


def number(value: float) -> Any:
    return types()["std_msgs/msg/Float64"](value)


def width(seconds: float) -> float:
    return 0.08 - 0.01 * seconds


def arm(seconds: float, offset: float = 0.0) -> np.ndarray:
    """(7,) where the arm is."""
    return ARM.home + SLOPES * seconds + offset


def ticks(rate: float, seconds: float = SECONDS, first: float = 0.0) -> np.ndarray:
    return first + np.arange(round((seconds - first) * rate) + 1) / rate


def recorded(seconds: float = SECONDS) -> list[Message]:
    """Joints at 100 Hz, fingers at 15, what the controller follows at 50, pictures at 30, two commands."""
    fingers, found = ARM.gripper.joints, list[Message]()
    found += [(ARM_STATES, at, joint_state(at, ARM.joints, arm(at))) for at in ticks(100, seconds)]
    found += [(HAND_STATES, at, joint_state(at, fingers, [width(at) / 2] * 2)) for at in ticks(15, seconds)]
    found += [(DESIRED, at, joint_state(at, ARM.joints, arm(at, 0.1))) for at in ticks(50, seconds)]
    for place, at in enumerate(ticks(30, seconds)):
        found += [(FRONT, at, image(at, place)), (WRIST, at, image(at, 100 + place, "bgr8"))]
    found += [
        (HAND, at, joint_state(at, fingers[:1], [value / 2])) for at, value in ((0.51, 0.0), (1.51, 0.06))
    ]
    return found


def write(
    path: Path, messages: Iterable[Message], storage: str = "MCAP", silent: Mapping[str, str] | None = None
) -> Path:
    """A folder of rosbag2, its messages in the order of their recording; types of topics without any."""
    from rosbags.rosbag2 import StoragePlugin, Writer

    connections = dict[str, Any]()
    with Writer(path, version=9, storage_plugin=StoragePlugin[storage]) as writer:
        for topic, kind in (silent or {}).items():
            writer.add_connection(topic, kind, typestore=store())
        for topic, at, message in sorted(messages, key=lambda one: one[1]):
            kind = message.__msgtype__
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=store())
            raw = store().serialize_cdr(message, kind)
            writer.write(connections[topic], BEGIN + round(at * 1e9), raw)
    return path


def converting(source, out, bundle, **options) -> Conversion:
    own = {"state": STATE, "action": ACTION, "cameras": CAMERAS}
    return Conversion(source, out, str(bundle.folder), **{**own, **options})
