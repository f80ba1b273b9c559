"""What happens before a policy may move the arm: load, validate, build, warm up, compare."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sag_ros.engines.compare import largest_error
from sag_ros.engines.ladder import Ladder, Rung
from sag_ros.engines.registry import build_frame_encoder, build_mask_source_for
from sag_ros.engines.runner import PolicyRunner
from sag_ros.paths import model_folder
from sag_ros.policy.bundle import PolicyBundle, load_bundle
from sag_ros.policy.contract import Contract
from sag_ros.policy.contract_file import BundleError
from sag_ros.policy.ladder_file import read_ladder
from sag_ros.policy.pictures import Likeness
from sag_ros.policy.pictures_file import read_pictures
from sag_ros.pruning.plan import make_plan
from sag_ros.ros import affinity
from sag_ros.ros.policy.fitting import Imprecise, Refused, check_contract
from sag_ros.ros.schema import PolicyNode

_TIMED = 9  # chunks
_FASTER = 0.9  # of the time of the rung above; who is not faster is no help


@dataclass(frozen=True)
class Report:
    """Result of the checks.

    Attributes:
        action_error: largest error of the engine against the reference, relative to the largest action.
        feature_error: the same for the features of the images.
        mask_difference: share of the mask in which the pruner's executor differs from the reference.
        warm_up_ms: duration of the slowest and of the median chunk of the warm-up.
        precision: that was asked for; ``f32`` where ``auto`` was and what it chose was too coarse.
    """

    action_error: float
    feature_error: float
    mask_difference: float
    warm_up_ms: tuple[float, float]
    precision: str = "auto"


def facts(
    bundle: PolicyBundle, runner: PolicyRunner, config: PolicyNode, checked: Report
) -> dict[str, object]:
    """What /diagnostics shows of a policy that was checked."""
    return {
        "engine": runner.engine_name,
        "engine_remarks": "; ".join(runner.remarks),
        "sampler": config.sampler,
        "mask_source": config.mask_source,
        "weights": bundle.weights_hash[:12],
        "weights_sha256": bundle.weights_hash,
        "comparison_error": checked.action_error,
        "feature_error": checked.feature_error,
        "mask_difference": checked.mask_difference,
        "warm_up_max_ms": checked.warm_up_ms[0],
    }


def likeness(config: PolicyNode) -> dict[str, Likeness]:
    """What the pictures of each camera looked like in training, as far as the bundle says. Raises Refused."""
    try:
        return read_pictures(model_folder(config.bundle))
    except ValueError as error:
        raise Refused(f"bundle '{config.bundle}': {error}") from None


def load(config: PolicyNode) -> PolicyBundle:
    """Load the bundle and check it against the configuration. Raises Refused."""
    try:
        bundle = load_bundle(model_folder(config.bundle))
    except (OSError, ValueError) as error:
        raise Refused(f"bundle '{config.bundle}': {error}") from None
    check_contract(bundle.contract, config)
    for name in ("encoder", "inference"):
        try:
            affinity.check(getattr(config.threads, name))
        except ValueError as error:
            raise Refused(f"threads.{name}: {error}") from None
    return bundle


def build(bundle: PolicyBundle, config: PolicyNode) -> PolicyRunner:
    """Build the runner. Raises Refused."""
    options = {} if config.precision == "auto" else {"precision": config.precision}
    try:
        return PolicyRunner(
            bundle,
            sampler=config.sampler,
            mask_source=config.mask_source,
            engine=config.engine,
            seed=config.seed,
            noise=config.noise,
            **options,
        )
    except (ValueError, TypeError, ImportError) as error:
        raise Refused(f"engine '{config.engine}', mask source '{config.mask_source}': {error}") from None


def climb(
    bundle: PolicyBundle,
    runner: PolicyRunner,
    config: PolicyNode,
    say: Callable[[str], None],
    checked: bool = False,
) -> Ladder:
    """What was asked for, and below it those rungs of the bundle that are faster here; checked, too.

    Args:
        bundle, runner, config: the policy, and what was asked for.
        say: called with what was found.
        checked: whether the rungs were compared with the reference before.

    Raises:
        Refused: a rung that cannot be built or differs from the reference.
    """
    own = f"{config.sampler}+{config.mask_source}"
    rungs = [Rung(own, runner, _chunk_ms(runner))]
    if not config.ladder:
        return Ladder(rungs)
    try:
        stated = read_ladder(model_folder(config.bundle), bundle.policy_hash)
    except BundleError as error:
        raise Refused(f"bundle '{config.bundle}': {error}") from None
    for spec in stated:
        if spec.name == own:
            rungs[0] = Rung(spec.stated, runner, rungs[0].ms)
            continue
        changed = config.model_copy(update={"sampler": spec.sampler, "mask_source": spec.mask_source})
        other = build(bundle, changed)
        if not checked:
            examine(other, changed)
        took = _chunk_ms(other)
        if took < _FASTER * rungs[-1].ms:
            rungs.append(Rung(spec.stated, other, took))
    say("ladder: " + ", then ".join(f"{rung.name} {rung.ms:.1f} ms" for rung in rungs))
    return Ladder(rungs)


def _chunk_ms(runner: PolicyRunner) -> float:
    features = example_features(runner, 0)
    durations = []
    for _ in range(_TIMED):
        start = time.perf_counter()
        runner.infer(0.0, features)
        durations.append(1e3 * (time.perf_counter() - start))
    return float(np.median(durations))


def scene_images(contract: Contract, seed: int) -> Mapping[str, NDArray[np.uint8]]:
    """Images that look like something: a lit plane, a few blobs, sensor noise; (H, W, 3) per camera."""
    rng = np.random.default_rng(seed)
    images = {}
    for name, spec in contract.cameras.items():
        y, x = np.mgrid[0 : spec.height, 0 : spec.width].astype(np.float64)
        y, x = y / spec.height, x / spec.width
        picture = 150 + 60 * (y - 0.5)[..., None] * rng.uniform(0.5, 1.0, 3)
        for _ in range(4):
            cy, cx = rng.uniform(0.1, 0.9, 2)
            inside = ((y - cy) / rng.uniform(0.05, 0.25)) ** 2 + ((x - cx) / rng.uniform(0.05, 0.25)) ** 2 < 1
            picture[inside] = rng.uniform(20, 235, 3)
        picture += rng.normal(0, 4, picture.shape)
        images[name] = picture.clip(0, 255).astype(np.uint8)
    return images


def example_features(runner: PolicyRunner, seed: int) -> NDArray[np.float32]:
    """(To, D) features of a made-up observation near the middle of the data."""
    contract = runner.bundle.contract
    frames = []
    for step in range(contract.observation_steps):
        images = scene_images(contract, seed * 1000 + step)
        frames.append({name: runner.encode(name, image) for name, image in images.items()})
    scale, offset = (value.numpy() for value in runner.bundle.normaliser.vectors("state"))
    rng = np.random.default_rng(seed)
    normalised = rng.uniform(-0.3, 0.3, (contract.observation_steps, contract.state_dim))
    return runner.features(frames, (normalised - offset) / scale)


def examine(
    runner: PolicyRunner, config: PolicyNode, say: Callable[[str], None] = lambda text: None
) -> Report:
    """Warm the runner up and compare encoder, pruner and engine with the reference.

    Raises:
        Imprecise: a difference above the tolerance, which a precision of ``f32`` may mend.
        Refused: one that it would not, or a result that is not finite.
    """
    for reason in runner.remarks:
        say(reason)
    durations = []
    for number in range(config.warm_up):
        start = time.perf_counter()
        inference = runner.infer(0.0, example_features(runner, number % 3))
        durations.append(1e3 * (time.perf_counter() - start))
    say(f"warmed up: {np.median(durations):.1f} ms a chunk, slowest {max(durations):.1f} ms")
    chunk = inference.chunk
    if not all(np.isfinite(getattr(chunk, part, 0.0)).all() for part in ("positions", "rotations")):
        raise Refused(f"engine {runner.engine_name} computed actions that are not finite")
    comparison = config.comparison
    precision = getattr(runner.engine, "precision", "")  # the reference has none
    tolerance = comparison.lower.get(precision, comparison.tolerance)
    report = Report(
        _action_error(runner, comparison.observations),
        _feature_error(runner),
        _mask_difference(runner, config),
        (max(durations), float(np.median(durations))),
        config.precision,
    )
    say(
        f"{runner.engine_name} against reference: actions {report.action_error:.1e}, features "
        f"{report.feature_error:.1e}, mask {100 * report.mask_difference:.2f} % different"
    )
    for what, value, bound in (
        ("actions", report.action_error, tolerance),
        ("image features", report.feature_error, tolerance),
        ("mask", report.mask_difference, comparison.mask_tolerance),
    ):
        if not value <= bound:
            text = f"engine {runner.engine_name} differs from the reference: {what} by {value:.2e}, allowed "
            # Encoder and denoiser need not compute in the same precision where we choose.
            chosen = precision in comparison.lower or (precision and config.precision == "auto")
            if chosen and np.isfinite(value):
                raise Imprecise(f"{text}{bound:.0e}. Use precision: f32")
            raise Refused(f"{text}{bound:.0e}. Use engine: reference, or report the versions of this machine")
    return report


def _action_error(runner: PolicyRunner, observations: int) -> float:
    worst = 0.0
    for seed in range(observations):
        features = example_features(runner, seed)
        plan = make_plan(runner.mask_source.mask(features), runner.mask_source.reuse)
        worst = max(worst, largest_error(runner.engine, runner.bundle, runner.table, plan, [features], seed))
    return worst


def _feature_error(runner: PolicyRunner) -> float:
    reference = build_frame_encoder("reference", runner.bundle)
    worst = 0.0
    for name, image in scene_images(runner.bundle.contract, 7).items():
        expected = reference.encode(name, image)
        error = np.abs(runner.encode(name, image) - expected).max() / max(float(np.abs(expected).max()), 1e-6)
        worst = max(worst, float(error) if np.isfinite(error) else np.inf)
    return worst


def _mask_difference(runner: PolicyRunner, config: PolicyNode) -> float:
    reference = build_mask_source_for("reference", config.mask_source, runner.bundle, len(runner.table))
    features = example_features(runner, 11)
    return float((runner.mask_source.mask(features).pruned != reference.mask(features).pruned).mean())
