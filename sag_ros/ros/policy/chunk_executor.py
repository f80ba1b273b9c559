"""Between the policy and the publishers: chunks to the supervisor and the gripper, with statistics.

No rclpy: publishers and the clock are injected.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from sag_ros.control.gripper import GripperPlanner
from sag_ros.control.states import SupervisorStatus
from sag_ros.control.timing import LatencyStats
from sag_ros.robots.arm import Arm
from sag_ros.ros.policy.chunk_record import ChunkRecord
from sag_ros.ros.policy.inference import FinishedInference
from sag_ros.ros.policy.operating.commander import Commander
from sag_ros.ros.policy.settings import gripper_settings, supervisor_settings
from sag_ros.ros.schema import PolicyNode
from sag_ros.values import ActionChunk, Float, JointCommand, Mask, PoseChunk


class Publishers(Protocol):
    """Where results go; see PolicyPublishers."""

    def command(self, command: JointCommand) -> float: ...
    def gripper(self, width: float, speed: float, force: float) -> None: ...
    def mask(self, stamp: float, mask: Mask) -> None: ...
    def record(self, record: ChunkRecord) -> None: ...
    def detail(self, finished: FinishedInference, number: int, asked: float) -> None: ...


class ChunkExecutor(Commander):
    """Turns finished inferences into published commands, and silence into a smooth stop.

    Inference results come from their own thread, everything else from the executor.

    Args:
        arm: that is moved; J joints.
        config: of the node.
        sensors: that are watched: ``camera front``, ``signal bag``.
        publishers: where results go.
        now: s, the clock of the stamps.
        epoch: s since 1970 at time zero of that clock; for the records.
        gate, rival, on_stop: see Commander.
    """

    def __init__(
        self,
        arm: Arm,
        config: PolicyNode,
        sensors: Sequence[str],
        publishers: Publishers,
        now: Callable[[], float],
        epoch: float = 0.0,
        gate: Callable[[float], str] = lambda now: "",
        rival: Callable[[], str] = lambda: "",
        on_stop: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(arm, config, sensors, publishers, now, gate, rival, on_stop)
        self._publishers, self._epoch = publishers, epoch
        self._gripper = GripperPlanner(arm.gripper, gripper_settings(config))
        self._deadline_ms = 1e3 * config.deadline
        self.latency = LatencyStats(deadline=self._deadline_ms)
        self.inference = LatencyStats()
        self._chunk, self._first, self._last = 0, np.nan, np.nan
        self.density = np.nan

    def reconfigure(self, config: PolicyNode) -> None:
        """Take other settings while it runs.

        Raises:
            ValueError: the gripper cannot do what is asked, or it cannot be changed now; nothing is changed.
        """
        gripper = gripper_settings(config)
        gripper.require_possible(self._arm.gripper)
        with self._lock:
            self._supervisor.reconfigure(supervisor_settings(config))
            self._gripper.settings = gripper
            self._deadline_ms = 1e3 * config.deadline
            self.latency.deadline = self._deadline_ms

    def start(self, q: Float, width: float) -> None:
        """Wait for chunks, the arm being held at (J,) ``q``, rad, with the hand ``width`` m open.

        Raises:
            ValueError: the arm is outside its limits.
        """
        with self._lock:
            self._supervisor.start(self._now(), q)
            self._gripper.reset(width)
            self._chunk, self._first, self._last = 0, np.nan, np.nan
            self.latency.reset()
            self.inference.reset()

    def on_inference(self, finished: FinishedInference) -> ChunkRecord:
        """Execute a chunk: splice, guard, publish; then its mask and its record, which it returns."""
        chunk: ActionChunk | PoseChunk = finished.inference.chunk
        mask: Mask = finished.inference.mask
        begin = self._now()
        with self._lock:
            before, published, self._made = self._supervisor.status(), np.nan, begin
            self._asked = np.nan
            if not self._blocked(begin):
                published = self._send(lambda now: self._supervisor.on_chunk(chunk, now))
            executed, spliced, asked = not np.isnan(published), self._made, self._asked
            goal = self._gripper.on_chunk(chunk, begin) if executed else None
            if goal is not None:
                self._publishers.gripper(goal.width, goal.speed, goal.force if goal.grasp else 0.0)
            after = self._supervisor.status()
            self._chunk += 1
            number = self._chunk
            if executed:
                self._count(published, 1e3 * (published - chunk.stamp), finished.inference_ms, mask.density)
        record = self._record(finished, before, after, (begin, spliced, published))
        self._publishers.record(record)
        self._publishers.mask(chunk.stamp, mask)
        self._publishers.detail(finished, number, asked)
        return record

    def _count(self, published: float, latency_ms: float, inference_ms: float, density: float) -> None:
        if np.isnan(self._first):
            self._first = published
        self._last = published
        self.latency.add(latency_ms)
        self.inference.add(inference_ms)
        self.density = density if np.isnan(self.density) else self.density + 0.05 * (density - self.density)

    def _record(
        self,
        finished: FinishedInference,
        before: SupervisorStatus,
        after: SupervisorStatus,
        times: tuple[float, float, float],
    ) -> ChunkRecord:
        begin, spliced, published = times
        timing, stamp = finished.inference.timing, finished.observation.stamp
        executed = not np.isnan(published)
        latency = 1e3 * ((published if executed else begin) - stamp)
        return ChunkRecord(
            chunk=self._chunk,
            obs_stamp=self._epoch + stamp,
            oldest_stamp=self._epoch + finished.observation.stamps[0],
            publish_stamp=self._epoch + published if executed else 0.0,
            latency_ms=latency,
            encode_ms=finished.observation.encode_ms,
            pruner_ms=timing.pruner_ms,
            denoise_ms=timing.denoise_ms,
            inference_ms=finished.inference_ms,
            splice_ms=1e3 * (published - begin) if executed else 0.0,
            density=finished.inference.mask.density,
            dropped=after.late_steps - before.late_steps,
            clipped=after.clipped - before.clipped,
            refused=int(not executed),
            missed=int(executed and latency > self._deadline_ms),
            received_ms=1e3 * (finished.observation.received - stamp),
            encoded_ms=1e3 * (finished.observation.encoded - stamp),
            begun_ms=1e3 * (finished.begun - stamp),
            denoised_ms=1e3 * (begin - stamp),
            spliced_ms=1e3 * (spliced - stamp),
            rung=finished.rung,
            every=finished.every,
        )

    def values(self) -> dict[str, Any]:
        """What /diagnostics shows."""
        with self._lock:
            status, latency = self._supervisor.status(), self.latency.snapshot()
            inference = self.inference.snapshot()
            span = self._last - self._first
            rate = (latency.count - 1) / span if latency.count > 1 and span > 0 else np.nan
            reason = self._why(status)
        return {
            "state": status.state.value,
            "reason": reason,
            "chunk_rate_hz": rate,
            "latency_p50_ms": latency.p50,
            "latency_p99_ms": latency.p99,
            "latency_max_ms": latency.max,
            "inference_p50_ms": inference.p50,
            "inference_p99_ms": inference.p99,
            "deadline_misses": latency.misses,
            "chunk_gaps": status.deadline_misses,
            "density": self.density,
            "chunks": status.chunks,
            "refused": status.refused,
            "clipped": status.clipped,
            "late_actions": status.late_steps,
            "stops": status.stops,
            "largest_tracking_error_rad": status.off,
            "last_violation": status.violations[-1].message if status.violations else "",
        }
