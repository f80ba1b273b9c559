"""Chunks computed again from what was recorded, and compared with what was computed then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sag_ros.control.reach.kinematics import forward_of
from sag_ros.engines.runner import Inference, PolicyRunner
from sag_ros.flight.reading import RecordingError
from sag_ros.policy.bundle import PolicyBundle
from sag_ros.policy.state import StateBuilder
from sag_ros.robots.registry import find_arm
from sag_ros.ros.policy import preflight
from sag_ros.ros.policy.provenance.detail import ChunkDetail
from sag_ros.ros.replay.evidence import Decided, Evidence
from sag_ros.ros.schema import PolicyNode

Features = NDArray[np.float32]


@dataclass(frozen=True)
class Compared:
    """One chunk, then and now.

    Attributes:
        number: of the chunk; at: when its detail came, ns since 1970.
        pictures: whether all of its pictures were recorded; without, it was computed from recorded features.
        features: largest difference of the features, NaN without pictures.
        actions: largest difference of a position, rad or m; gripper: of a width, m.
        blocks: how many blocks of the mask differ; NaN where it was not recorded.
        equal: all of these are equal bit for bit.
        density, ms: (then, now); ms: pruner, plan and denoising.
        positions: (Ta, J) now.
    """

    number: int
    at: int
    pictures: bool
    features: float
    actions: float
    gripper: float
    blocks: float
    equal: bool
    density: tuple[float, float]
    ms: tuple[float, float]
    positions: NDArray[np.float64]


def engine_of(told: Mapping[str, str]) -> tuple[str, str]:
    """Engine and precision of ``native-bf16``."""
    engine, _, precision = told.get("engine", "").partition("-")
    return engine or "auto", precision or "auto"


def rungs_of(told: Mapping[str, str]) -> list[tuple[str, str]]:
    """Sampler and mask source of each rung."""
    names = filter(None, told.get("rungs", "").split(", "))
    found = [(name.partition("+")[0], name.partition("+")[2]) for name in names]
    return found or [(told.get("sampler", "ddpm"), told.get("mask_source", "sag"))]


class Computing:
    """A policy to compute recorded chunks with.

    Args:
        evidence: the recording.
        bundle: loaded.
        config: parameters; sampler, mask source, engine and precision are taken from it.
        as_recorded: compute each chunk as the rung did that computed it then.
    """

    def __init__(
        self, evidence: Evidence, bundle: PolicyBundle, config: PolicyNode, as_recorded: bool = True
    ) -> None:
        self._evidence, self.bundle, self.config = evidence, bundle, config
        self._as_recorded = as_recorded
        self._runners: dict[tuple[str, str], PolicyRunner] = {}
        arm = find_arm(config.arm)
        self._state = StateBuilder(bundle.contract, forward_of(arm))
        self._encoded: dict[tuple[str, int], Features] = {}

    def runner(self, decided: Decided | None = None) -> PolicyRunner:
        """What computes a chunk; built when it is needed. Raises Refused."""
        config = self.config
        kind = config.sampler, config.mask_source
        if self._as_recorded and decided is not None:
            rungs = rungs_of(self._evidence.policy_at(decided.received))
            kind = rungs[min(decided.detail.rung, len(rungs) - 1)]
        if kind not in self._runners:
            chosen = config.model_copy(update={"sampler": kind[0], "mask_source": kind[1]})
            self._runners[kind] = preflight.build(self.bundle, chosen)
        return self._runners[kind]

    def features(self, detail: ChunkDetail) -> Features | None:
        """(To, D) from the recorded pictures; None where one of them is missing."""
        contract, runner = self.bundle.contract, self.runner()
        frames = []
        for stamps in detail.frames:
            step = {}
            for camera, stamp in zip(contract.cameras, stamps, strict=False):
                found = self._encode(camera, detail.nanoseconds(stamp), runner)
                if found is None:
                    return None
                step[camera] = found
            frames.append(step)
        states = np.stack([self._state(own) for own in detail.states])
        return runner.features(frames, states)

    def _encode(self, camera: str, stamp: int, runner: PolicyRunner) -> Features | None:
        key = camera, stamp
        if key not in self._encoded:
            size = self.bundle.contract.cameras[camera]
            picture = self._evidence.picture(camera, stamp, size.height, size.width)
            if picture is None:
                return None
            self._encoded[key] = runner.encode(camera, picture)
        return self._encoded[key]

    def infer(self, decided: Decided, features: Features) -> Inference:
        """The chunk from its features and its own noise."""
        detail, runner = decided.detail, self.runner(decided)
        origin = detail.origin
        if not self._as_recorded:  # another sampler begins with the same noise, where it does
            origin = replace(origin, sample=None, first_step=0)
        joints = detail.states[-1, : len(self.bundle.contract.joints)]
        return runner.infer(detail.stamp, features, 0.0, joints, origin)


def require_fitting(evidence: Evidence, bundle: PolicyBundle) -> None:
    """Raise RecordingError unless the policy observes and does what the recorded one did."""
    detail, contract = evidence.chunks[-1].detail, bundle.contract
    cameras = max(len(contract.cameras), 1)
    wanted = (contract.observation_steps, cameras, contract.obs_dim)
    found = (*detail.frames.shape, detail.features.shape[1])
    if wanted != found:
        raise RecordingError(
            f"the policy observes (steps, cameras, features) {wanted}, the recorded one {found}; replay with "
            "one that observes the same"
        )


def compare(decided: Decided, inference: Inference, features: Features | None) -> Compared:
    """What was computed now with what was computed then."""
    detail, chunk, record = decided.detail, inference.chunk, decided.record
    parts: list[tuple[Any, Any]] = [(chunk.positions, detail.positions), (chunk.gripper, detail.gripper)]
    rotations = getattr(chunk, "rotations", None)
    if rotations is not None:
        parts.append((rotations.reshape(-1, 9), detail.rotations))
    equal = all(np.array_equal(one, other) for one, other in parts)
    if features is not None:
        equal &= np.array_equal(features, detail.features)
    blocks = np.nan
    if decided.mask is not None and decided.mask.pruned.shape == inference.mask.pruned.shape:
        blocks = float((decided.mask.pruned != inference.mask.pruned).sum())
        equal &= blocks == 0
    timing, then = inference.timing, np.nan
    now = timing.pruner_ms + timing.denoise_ms + timing.extra.get("plan_ms", 0.0)
    if record is not None:
        then = record.pruner_ms + record.denoise_ms
    density = np.nan if record is None else record.density
    return Compared(
        number=detail.chunk,
        at=decided.received,
        pictures=features is not None,
        features=np.nan if features is None else _largest(features, detail.features),
        actions=_largest(chunk.positions, detail.positions),
        gripper=_largest(chunk.gripper, detail.gripper),
        blocks=blocks,
        equal=bool(equal),
        density=(density, inference.mask.density),
        ms=(then, now),
        positions=np.array(chunk.positions),
    )


def _largest(one: NDArray, other: NDArray) -> float:
    if one.shape != other.shape:
        rows = min(len(one), len(other))
        one, other = one[:rows], other[:rows]
    return float(np.abs(np.asarray(one, np.float64) - other).max()) if one.size else 0.0


def replay(
    computing: Computing, chunks: list[Decided], tell: Callable[[int], object] = lambda count: None
) -> list[Compared]:
    """Compute chunks again; ``tell`` is called with how many are done. Raises Refused."""
    found = []
    for count, decided in enumerate(chunks, 1):
        features = computing.features(decided.detail)
        own = decided.detail.features if features is None else features
        found.append(compare(decided, computing.infer(decided, own), features))
        tell(count)
    return found
