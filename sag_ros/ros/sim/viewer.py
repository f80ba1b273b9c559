"""A MuJoCo window that shows copies of the simulated state."""

from __future__ import annotations

import threading
from collections.abc import Callable

import mujoco
import mujoco.viewer

from sag_ros.sim.robot import SceneState
from sag_ros.sim.scene import Scene

RATE = 30.0


class Viewer:
    """Opens a window and keeps it up to date from a thread of its own.

    Raises:
        Exception: whatever GLFW raises where no window can be opened.
    """

    def __init__(self, scene: Scene, look: Callable[[], tuple[float, SceneState]]) -> None:
        self._model, self._look = scene.model, look
        self._data = mujoco.MjData(scene.model)
        self._handle = mujoco.viewer.launch_passive(
            scene.model, self._data, show_left_ui=False, show_right_ui=False
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="viewer", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while self._handle.is_running() and not self._stop.wait(1.0 / RATE):
            _, state = self._look()
            with self._handle.lock():
                self._data.qpos[:] = state.qpos
                self._data.mocap_pos[:] = state.mocap_pos
                mujoco.mj_forward(self._model, self._data)
            self._handle.sync()

    def close(self) -> None:
        """Close the window."""
        self._stop.set()
        self._thread.join(2.0)
        self._handle.close()
