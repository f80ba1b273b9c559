"""The simulated cameras: one thread that renders copies of the scene and publishes them."""

from __future__ import annotations

import array
import contextlib
import os
import threading
import time
from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from sag_ros.ros import qos
from sag_ros.ros.images import rgb_to_image
from sag_ros.ros.sections import Camera, CameraQos
from sag_ros.ros.stamps import StampClock
from sag_ros.ros.worker import Worker
from sag_ros.sim.cameras import Cameras
from sag_ros.sim.robot import SceneState
from sag_ros.sim.scene import Scene

JPEG_QUALITY = 95
RENDER_NICENESS = 5


class CameraThread(Worker):
    """Renders all cameras at one rate from one state, so that their stamps agree; the GL context is its own.

    Args:
        node: publishes.
        cameras: name in the scene -> topic.
        settings: quality of service.
        scene: what is drawn; ``look`` returns its stamp and state.
        size: height and width, px.
        rate: Hz.
        hold: held while drawing, so that a reset does not change lights in the middle of a picture.
    """

    def __init__(
        self,
        node: Node,
        cameras: Mapping[str, Camera],
        settings: CameraQos,
        scene: Scene,
        look: Callable[[], tuple[float, SceneState]],
        clock: StampClock,
        size: int,
        rate: float,
        hold: threading.Lock,
    ) -> None:
        self._cameras, self._scene, self._look, self._clock = dict(cameras), scene, look, clock
        self._size, self._period, self._hold = size, 1.0 / rate, hold
        profile = qos.camera(settings)
        self._publishers = {
            name: node.create_publisher(
                CompressedImage if camera.compressed else Image, camera.topic, profile
            )
            for name, camera in cameras.items()
        }
        self._raw = {name: Image() for name in cameras}
        super().__init__("cameras")
        self.frames = 0
        self.render_ms = 0.0
        self.error: BaseException | None = None

    def _run(self) -> None:
        # Pictures may wait; commands and physics may not. On Linux this concerns the calling thread alone.
        with contextlib.suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), RENDER_NICENESS)
        try:
            cameras = Cameras(self._scene, self._size, self._size)
            due = time.monotonic()
            while not self._stop.is_set():
                self._shoot(cameras)
                # A late picture delays the ones after it: nobody wants them in a burst.
                due = max(due + self._period, time.monotonic())
                self._stop.wait(max(0.0, due - time.monotonic()))
            cameras.close()
        except BaseException as error:
            self.error = error

    def _shoot(self, cameras: Cameras) -> None:
        start = time.perf_counter()
        with self._hold:
            stamp, state = self._look()
            cameras.pose(state.qpos, state.mocap_pos)
            for name in self._cameras:  # each as soon as it is there: who encodes it may begin
                self._publish(name, stamp, cameras.render(name))
        self.render_ms += 0.05 * (1e3 * (time.perf_counter() - start) - self.render_ms)
        self.frames += 1

    def _publish(self, name: str, stamp: float, rgb: NDArray[np.uint8]) -> None:
        if self._cameras[name].compressed:
            data = cv2.imencode(".jpg", rgb[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY))[1]
            message = CompressedImage(format="jpeg", data=array.array("B", data.tobytes()))
        else:
            message = rgb_to_image(rgb, self._raw[name])
        self._clock.write(stamp, message.header.stamp)
        message.header.frame_id = f"{name}_optical_frame"
        self._publishers[name].publish(message)
