"""A policy node, a fake robot and the flight recorder, spun by one executor."""

from __future__ import annotations

from pathlib import Path

from fake_robot import Bench, FakeRobot
from rclpy.parameter import Parameter

from sag_ros.ros.flight.node import RecorderNode


class FlightBench(Bench):
    """See the module."""

    def __init__(self, bundle: Path, folder: Path, recorder: dict | None = None, **changes: object) -> None:
        # A machine that has other work must not make faults of its own.
        patient = {"limits__tracking_error": 3.0, "limits__tracking_lag": 5.0, "limits__rest_error": 2.0}
        patient |= {"ladder": False, "watchdog__observation": 5.0}
        patient |= {f"watchdog__{name}": 5.0 for name in ("camera", "joint_state", "gripper_state")}
        super().__init__(bundle, FakeRobot(), **{**patient, "limits__resume_error": 2.0, **changes})
        values = {"folder": str(folder), "after": 0.3, "memory": 64.0, "niceness": 0} | (recorder or {})
        overrides = [Parameter(name, value=value) for name, value in values.items()]
        self.recorder = RecorderNode(parameter_overrides=overrides)
        self._executor.add_node(self.recorder)

    def begin(self, chunks: int = 6) -> None:
        """Activate the policy once the recorder listens, and wait for some commands."""
        recorder = self.recorder
        assert self.until(lambda: recorder._tap is not None), "the recorder does not hear of the policy"
        self.until(lambda: self.policy.count_subscribers("policy_node/chunk") > 0)
        self.activate()
        detail = self.policy._outputs._detail
        assert self.until(detail.get_subscription_count), "nobody listens to ~/chunk"
        self.wait_for_commands(chunks)

    def wait_for_commands(self, more: int) -> None:
        """Spin until the arm was given so many more."""
        count = len(self.robot.commands)
        assert self.until(lambda: len(self.robot.commands) >= count + more, 60.0), self.robot.message

    def saved(self, count: int = 1) -> Path:
        """The newest recording, once there are so many."""
        saver = self.recorder.saver
        assert self.until(lambda: saver.state.count >= count), saver.state
        return saver.state.paths[-1]

    def close(self) -> None:
        self.recorder.close()
        super().close()


def record_a_fault(bundle: Path, folder: Path) -> Path:
    """A recording of a policy that moves the arm until a fault is forced."""
    bench = FlightBench(bundle, folder)
    try:
        bench.begin()
        bench.wait_for_commands(1)  # while the arm moves
        bench.policy._chunk_executor.fault("forced by a test")
        saver = bench.recorder.saver
        assert bench.until(lambda: saver.state.paths and "_fault" in saver.state.paths[-1].name), saver.state
        return saver.state.paths[-1]
    finally:
        bench.close()
