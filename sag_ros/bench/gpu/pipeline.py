"""What encoder and pruner add to a chunk: the shipped policy from images to actions, on each GPU engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sag_ros.bench.gpu.correctness import check_row, relative
from sag_ros.bench.gpu.policies import Policy, Spec, shipped_policy, why_absent
from sag_ros.bench.gpu.sections import Context
from sag_ros.bench.gpu.timing import TURN, Timer, figures
from sag_ros.engines.reference import ReferenceFrameEncoder
from sag_ros.engines.registry import build_mask_source_for
from sag_ros.engines.runner import PolicyRunner

# Features relative to the largest; convolutions may round as TF32 does unless the precision is f32.
ENCODER_TOLERANCE = {"f32": 1e-3, "bf16": 1e-2, "f16": 1e-2}
MASK_SHARE = 1e-2  # of the gates: those on the border may fall to the other side
PARTS = ("encode", "pruner", "plan", "denoise", "chunk", "total")


def time_pipeline(context: Context, engines: tuple[str, ...], precision: str) -> None:
    """Each engine with the encoder and pruner that run beside it, in turns."""
    options = context.options
    policy = shipped_policy(options.bundle, options.small)
    found: list[Pipeline] = []
    for text in engines:
        spec = Spec.parse(text)
        if spec.options:  # the executors beside it do not have them
            context.absent(text, "encoder and pruner are timed with the engine's own options alone")
            continue
        reason = why_absent(spec, policy, precision, options.device)
        if reason is not None:
            context.absent(text, f"{precision}: {reason}")
            continue
        with context.fence(f"{text} {precision}, building"):
            pipeline = Pipeline(text, policy, precision, options.device, options.seed)
            for row in pipeline.checks():
                context.emit("checks", row)
            found.append(pipeline)
    timer = Timer(events=options.device != "cpu")
    for turn in range(-(-options.chunks // TURN)):
        running, found = found, []
        for pipeline in running:
            with context.fence(f"{pipeline.name} {precision}"):
                pipeline.turn(turn, timer)
                found.append(pipeline)  # one that raises is not asked again
        if context.left() <= 0.0:
            break
    for pipeline in found:
        context.emit("pipeline", pipeline.row(Path(options.bundle).name))


class Pipeline:
    """One runner, random images and the times of its parts, ms by the host's clock.

    ``encode``: the newest frame of every camera, which is what a chunk waits for, those before having been
    encoded when they came. ``chunk``: denoising alone, on the device where it tells. ``total``: from images
    to actions.
    """

    def __init__(self, name: str, policy: Policy, precision: str, device: str, seed: int) -> None:
        contract = policy.bundle.contract
        self.name, self.precision = name, precision
        self._runner = PolicyRunner(
            policy.bundle, mask_source="sag", engine=name, seed=seed, precision=precision, device=device
        )
        rng = np.random.default_rng(seed)
        self._images = [
            {
                camera: rng.integers(0, 256, (size.height, size.width, 3), np.uint8)
                for camera, size in contract.cameras.items()
            }
            for _ in range(TURN)
        ]
        self._frames = contract.observation_steps
        scale, offset = (v.double().numpy() for v in policy.bundle.normaliser.vectors("state"))
        states = rng.uniform(-1, 1, (contract.observation_steps, contract.state_dim))
        self._states = (states - offset) / scale
        self._times: dict[str, list[float]] = {part: [] for part in PARTS}
        self._masks: set[bytes] = set()
        self._densities: list[float] = []

    def checks(self) -> Iterator[dict[str, Any]]:
        """The encoder's features and the pruner's masks against those of the reference."""
        bundle, frame = self._runner.bundle, self._images[0]
        encoder = ReferenceFrameEncoder(bundle)
        facts: dict[str, Any] = {"what": self.name, "precision": self.precision}
        errors = [
            relative(self._runner.encode(camera, image), encoder.encode(camera, image))
            for camera, image in frame.items()
        ]
        yield {**facts, **check_row("encoder", max(errors), ENCODER_TOLERANCE[self.precision])}
        source = build_mask_source_for("reference", "sag", bundle, len(self._runner.table))
        different = []
        for images in self._images:
            frames = [
                {camera: encoder.encode(camera, image) for camera, image in images.items()}
            ] * self._frames
            features = self._runner.features(frames, self._states)
            got, wanted = (own.mask(features).pruned for own in (self._runner.mask_source, source))
            different.append(float((got != wanted).mean()))
        yield {**facts, **check_row("masks", float(np.mean(different)), MASK_SHARE)}

    def turn(self, number: int, timer: Timer) -> None:
        """``TURN`` chunks, behind one or, the first time, three that do not count."""
        warm = 1 if number else 3
        engine: Any = self._runner.engine
        for count in range(-warm, TURN):
            pair = timer.pair()
            engine.events = pair
            own = self._chunk(count % TURN, timer)
            engine.events = None
            if count < 0:
                continue
            device = timer.elapsed_ms(pair)
            own["chunk"] = own["denoise"] if device is None else device
            for part, value in own.items():
                self._times[part].append(value)

    def _chunk(self, newest: int, timer: Timer) -> dict[str, float]:
        runner = self._runner
        start = timer.now()
        frame = {camera: runner.encode(camera, image) for camera, image in self._images[newest].items()}
        encoded = timer.now()
        features = runner.features([frame] * self._frames, self._states)
        found = runner.infer(0.0, features)
        end = timer.now()
        self._densities.append(1.0 - float(found.mask.pruned.mean()))
        self._masks.add(found.mask.pruned.tobytes())
        return {
            "encode": 1e3 * (encoded - start),
            "pruner": found.timing.pruner_ms,
            "plan": found.timing.extra["plan_ms"],
            "denoise": found.timing.denoise_ms,
            "total": 1e3 * (end - start),
        }

    def row(self, bundle: str) -> dict[str, Any]:
        """JSON-ready."""
        out: dict[str, Any] = {
            "what": self.name,
            "precision": self.precision,
            "bundle": bundle,
            "density": round(float(np.mean(self._densities)), 4),
            "masks": len(self._masks),
            "chunks": len(self._times["total"]),
        }
        for part, values in self._times.items():
            out |= figures(f"{part}_ms", values)
        added = np.array(self._times["encode"]) + np.array(self._times["pruner"])
        return out | figures("added_ms", added.tolist())
