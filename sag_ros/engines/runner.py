"""A policy ready to run: frames and state in, an action chunk in physical units and its timing out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sag_ros.engines.auto import build_fastest
from sag_ros.engines.origin import Origin, generator_of, state_words
from sag_ros.engines.protocol import Engine, FrameEncoder
from sag_ros.engines.registry import build_engine_for, build_frame_encoder, build_mask_source_for
from sag_ros.policy.actions import ActionDecoder
from sag_ros.policy.bundle import PolicyBundle
from sag_ros.policy.samplers import build_sampler
from sag_ros.policy.samplers.protocol import Start
from sag_ros.pruning.mask_sources import MaskSource
from sag_ros.pruning.memo import Memo
from sag_ros.pruning.plan import Plan, make_plan
from sag_ros.values import ActionChunk, Mask, Observation, PoseChunk, Timing

Features = NDArray[np.float32]
MOST_PREPARED = 16  # of the plans known beforehand, recorded whole where the engine can


@dataclass(frozen=True)
class Inference:
    """One inference.

    Attributes:
        chunk: the executed actions, rad and m: joint positions, or poses where the policy commands those.
        mask: which blocks were pruned.
        timing: ``encode_ms`` as handed to ``infer``, ``extra``: plan_ms. ``denoise_ms`` includes what a
            sampler with a state does to begin and end a chunk.
        steps: denoising steps that were run, and evaluations of the whole network to decide on them.
        origin: what it takes to compute the same chunk again; see :meth:`PolicyRunner.infer`.
    """

    chunk: ActionChunk | PoseChunk
    mask: Mask
    timing: Timing
    steps: int = 0
    origin: Origin | None = None


class PolicyRunner:
    """One policy with one sampler, mask source and engine.

    Not thread-safe: buffers are reused. But one thread may
    encode while another one infers."""

    def __init__(
        self,
        bundle: PolicyBundle,
        sampler: str = "ddpm",
        mask_source: str = "sag",
        engine: str = "auto",
        seed: int = 0,
        noise: Literal["fresh", "fixed"] = "fresh",
        **options: str,
    ) -> None:
        """Build and compile everything; takes seconds.

        Args:
            bundle: the policy.
            sampler: see ``policy.samplers.build_sampler``. Those with a state need an engine that can begin
                later than at step 0: any but openvino.
            mask_source: see ``pruning.mask_sources.build_mask_source``.
            engine: see ``engines.registry.build_engine``; ``auto`` takes the fastest that can be built, and
                ``passed_over`` says why faster ones were not taken.
            seed: of the noise, until :meth:`reset`.
            noise: ``fresh`` for every chunk, or ``fixed``: the same for every chunk until :meth:`reset`, so
                that successive chunks of a multimodal policy agree.
            options: of the engine, e.g. ``precision="f32"``.

        Raises:
            ValueError: a name or option that does not exist, or parts that do not fit each other.
            ImportError: the engine's library is missing.
        """
        if noise not in ("fresh", "fixed"):
            raise ValueError(f"noise is 'fresh' or 'fixed'; got {noise!r}")
        contract = bundle.contract
        self.bundle = bundle
        self.sampler = build_sampler(sampler, contract)
        self.table = self.sampler.table

        def build(name: str) -> tuple[Engine, MaskSource, FrameEncoder]:
            device = options.get("device", "auto")
            return (
                build_engine_for(name, bundle, self.sampler, **options),
                build_mask_source_for(name, mask_source, bundle, len(self.table), device),
                build_frame_encoder(name, bundle, **options),
            )

        precision, whole = options.get("precision", "auto"), self.sampler.whole_horizon
        parts, self.passed_over = build_fastest(engine, bundle, build, precision, whole)
        self.engine, self.mask_source, self._encoder = parts
        # Nothing in here refers to the runner: once it is given up, it is gone, without the collector.
        reuse = self.mask_source.reuse
        self._plan: Memo[Mask, Plan] = Memo(lambda mask: make_plan(mask, reuse), lambda mask: mask.key)
        self._prepare_known_plans()
        self._fixed = noise == "fixed"
        self._noise = np.empty((len(self.table) + 1, contract.horizon, contract.action_dim), np.float32)
        self._state_scale, self._state_offset = (v.numpy() for v in bundle.normaliser.vectors("state"))
        self._decode = ActionDecoder(contract, bundle.normaliser)
        self._trace = np.zeros((len(self._noise), self.engine.tokens, contract.action_dim), np.float32)
        self.reset(seed)

    def _prepare_known_plans(self) -> None:
        """Let an engine that can record whole plans have those that are known now."""
        prepare = getattr(self.engine, "prepare", None)
        if prepare is not None and not self.sampler.traced:
            for mask in getattr(self.mask_source, "masks", ())[:MOST_PREPARED]:
                prepare(self._plan(mask))

    @property
    def engine_name(self) -> str:
        """Engine and, where it has one, precision: ``openvino-bf16``."""
        precision = getattr(self.engine, "precision", None)
        return self.engine.name if precision is None else f"{self.engine.name}-{precision}"

    @property
    def remarks(self) -> tuple[str, ...]:
        """Which faster engines ``auto`` passed over and why, and what the engine does not do as it should."""
        return (*self.passed_over, *getattr(self.engine, "notes", ()))

    def reset(self, seed: int) -> None:
        """Begin an episode whose noise comes from ``seed``."""
        self._rng = np.random.default_rng(seed)
        self._draw()
        self._stamp: float | None = None
        self.sampler.reset(seed)

    def _draw(self) -> None:
        """Noise at the full horizon, though engines drop tokens: same seed, same chunk in every engine."""
        self._drawn_from = state_words(self._rng)
        self._rng.standard_normal(out=self._noise, dtype=np.float32)

    def encode(self, camera: str, image: NDArray[np.uint8]) -> Features:
        """(H, W, 3) uint8 RGB -> (F,); call once for each frame, when it arrives."""
        return self._encoder.encode(camera, image)

    def features(self, frames: Sequence[Mapping[str, Features]], states: NDArray[np.floating]) -> Features:
        """Observation features (To, D).

        Args:
            frames: To mappings camera -> (F,), oldest first.
            states: (To, S) as the contract says, by default joint positions (rad) and gripper width (m); see
                ``policy.state.StateBuilder``.

        Raises:
            ValueError: wrong number of frames or states. KeyError: a camera is missing.
        """
        contract = self.bundle.contract
        steps = contract.observation_steps
        if len(frames) != steps or np.shape(states) != (steps, contract.state_dim):
            raise ValueError(
                f"need {steps} frames and states ({steps}, {contract.state_dim}); "
                f"got {len(frames)} and {np.shape(states)}"
            )
        state = np.asarray(states, np.float32) * self._state_scale + self._state_offset
        rows = [
            np.concatenate([*(frame[c] for c in contract.cameras), own])
            for frame, own in zip(frames, state, strict=True)
        ]
        return np.stack(rows).astype(np.float32, copy=False)

    def infer(
        self,
        stamp: float,
        obs_features: Features,
        encode_ms: float = 0.0,
        observed: NDArray[np.floating] | None = None,
        origin: Origin | None = None,
    ) -> Inference:
        """One action chunk from (To, D) features of the observation at ``stamp``.

        A sampler with a state takes from the stamps how many actions were executed since the last chunk.

        Args:
            stamp: of the observation, s.
            obs_features: of :meth:`features`.
            encode_ms: for the timing.
            observed: (J,) joint positions at ``stamp``, rad; goes along with a chunk of poses.
            origin: of a chunk to compute again, which needs none of those before it: the noise goes on from
                here, and a sampler with a state begins with the origin's sample and keeps nothing; where the
                origin has none, it decides as ever.

        Raises:
            ValueError: an origin that does not fit the sampler.
        """
        begun = time.perf_counter()
        mask = self.mask_source.mask(obs_features)
        masked = time.perf_counter()
        plan = self._plan(mask)
        planned = time.perf_counter()
        if origin is not None:
            self._rng = generator_of(origin.noise)
        if origin is not None or not self._fixed:
            self._draw()
        start, estimates = None, 0
        if origin is not None and origin.sample is not None:
            if not self.sampler.traced:
                raise ValueError(f"sampler {self.sampler.name} begins with noise; the origin has a sample")
            start = Start(origin.sample, origin.first_step)
            actions = self._continue(obs_features, plan, start)
        elif self.sampler.traced:
            start, estimates = self._begin(stamp, obs_features, plan)
            actions = self._continue(obs_features, plan, start)
            self.sampler.end(start, self._trace)
            self._stamp = stamp
        else:
            actions = self.engine.denoise(obs_features, plan, self._noise)
        chunk = self._decode(stamp, actions, obs_features, observed)
        end = time.perf_counter()
        timing = Timing(
            encode_ms=encode_ms,
            pruner_ms=1e3 * (masked - begun),
            denoise_ms=1e3 * (end - planned),
            total_ms=encode_ms + 1e3 * (end - begun),
            extra={"plan_ms": 1e3 * (planned - masked)},
        )
        origin = Origin(self._drawn_from) if start is None else Origin(self._drawn_from, *start[::-1])
        return Inference(chunk, mask, timing, len(self.table) - origin.first_step + estimates, origin)

    def executed_since(self, stamp: float) -> float | None:
        """Actions between the observation of the last chunk and ``stamp``; None before the first."""
        if self._stamp is None:
            return None
        return (stamp - self._stamp) / self.bundle.contract.control_period

    def _begin(self, stamp: float, obs_features: Features, plan: Plan) -> tuple[Start, int]:
        """How a sampler with a state begins a chunk, and evaluations of the network to decide on that."""
        estimates = 0

        def estimate(sample: Features, step: int) -> Features:
            nonlocal estimates
            estimates += 1
            return self.engine.estimate(obs_features, sample, step)

        shift = self.executed_since(stamp)
        return self.sampler.begin(shift, self._noise[0].copy(), plan.starts(), estimate), estimates

    def _continue(self, obs_features: Features, plan: Plan, start: Start) -> Features:
        """Normalised actions (Ta, A) of a sampler with a state; fills the trace."""
        noise = self.sampler.noise(start, self._noise)
        return self.engine.denoise(obs_features, plan, noise, start.first_step, self._trace)

    def infer_observation(self, observation: Observation) -> Inference:
        """One action chunk from raw images and states; encodes all To frames."""
        start = time.perf_counter()
        frames = [
            {camera: self.encode(camera, images[i]) for camera, images in observation.images.items()}
            for i in range(len(observation.state))
        ]
        features = self.features(frames, observation.state)
        return self.infer(observation.stamp, features, 1e3 * (time.perf_counter() - start))
