"""The simulated robot and the runners of ``sag bench tasks``, in the process that uses them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from sag_ros.bench.run.methods import FRESH_CROSS_ATTENTION, Method, parse_methods
from sag_ros.bench.run.records import EpisodeResult
from sag_ros.bench.run.stage import Stage, stage_for
from sag_ros.bench.tasks.options import Options

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle
    from sag_ros.values import Observation

FORMAT = 2  # of the journal lines
ALIKE = ("task", "cameras", "joints", "action", "control_period", "observation_steps")


class Worker:
    """Bundles are loaded at once, the robot and the runners when first used.

    Raises:
        ValueError: a bundle that does not fit the others or the settings.
    """

    def __init__(self, options: Options) -> None:
        import torch

        torch.set_num_threads(1)
        from sag_ros.paths import model_folder
        from sag_ros.policy.bundle import load_bundle

        self._options = options
        self._methods = {method.name: method for method in parse_methods(options.methods)}
        folders = dict.fromkeys(self._folder(method) for method in self._methods.values())
        self._bundles = {folder: load_bundle(model_folder(folder)) for folder in folders}
        self._execute = options.execute or next(iter(self._bundles.values())).contract.action_steps
        require_alike(self._bundles, self._execute)
        self._stage: Stage | None = None
        self._runners: dict[tuple[str, str], Any] = {}

    def close(self) -> None:
        """Free what the simulator holds."""
        if self._stage is not None:
            self._stage.close()

    def _folder(self, method: Method) -> str:
        return method.bundle or self._options.bundle

    @property
    def stage(self) -> Stage:
        """Where episodes are played."""
        if self._stage is None:
            self._stage = stage_for(self._options.task, next(iter(self._bundles.values())).contract)
        return self._stage

    def runner(self, name: str, engine: str = "") -> Any:
        """The warmed-up runner of a method in ``engine``, the one of the settings by default.

        Raises:
            ValueError: parts of the method that do not fit each other or the bundle.
        """
        engine = engine or self._options.engine
        if (name, engine) not in self._runners:
            self._runners[name, engine] = self._build(self._methods[name], engine)
        return self._runners[name, engine]

    def _build(self, method: Method, engine: str) -> Any:
        from sag_ros.engines.runner import PolicyRunner

        options, bundle = self._options, self._bundles[self._folder(method)]
        own = engine == options.engine
        chosen = {"precision": options.precision} if own and options.precision != "auto" else {}
        try:
            runner = PolicyRunner(
                bundle, method.sampler, method.mask_source, engine, noise=options.noise, **chosen
            )
        except ValueError as error:
            raise ValueError(f"method {method.name!r}: {error}") from error
        if own:  # compiled code is slow at first
            contract = bundle.contract
            runner.reset(0)
            for _ in range(2):
                for camera, spec in contract.cameras.items():
                    runner.encode(camera, np.zeros((spec.height, spec.width, 3), np.uint8))
                runner.infer(0.0, np.zeros((contract.observation_steps, contract.obs_dim), np.float32))
        return runner

    def identity(self, name: str) -> dict[str, Any]:
        """Everything that the outcome of an episode of a method depends on, besides the seed.

        ``weights`` are those of the policy alone, ``mask`` tells the mask or the pruner that is really used:
        a schedule or a pruner that is added to the bundle later changes nothing for the others.
        """
        method, runner = self._methods[name], self.runner(name)
        bundle = self._bundles[self._folder(method)]
        fixed = _fixed_mask(runner.mask_source, (bundle.contract.observation_steps, bundle.contract.obs_dim))
        return {
            "format": FORMAT,
            "task": self._options.task,
            "sampler": method.sampler,
            "mask_source": method.mask_source,
            "mask": fixed or _pruner(bundle, method.mask_source, len(runner.table)),
            "weights": bundle.policy_hash,
            "engine": runner.engine_name,
            "execute": self._execute,
            "noise": self._options.noise,
            "delay": self._options.delay,
        }

    def run(
        self, name: str, seed: int, witness: Callable[[Observation], None] | None = None
    ) -> EpisodeResult:
        """One episode; see ``bench.run.episode.run_episode``."""
        from sag_ros.bench.run.episode import EpisodeSettings

        contract = self._bundles[self._folder(self._methods[name])].contract
        blocks = contract.diffusion.steps * contract.blocks
        options = self._options
        loop = EpisodeSettings.of(contract, self._execute, self.stage.time_limit, blocks, options.delay)
        return self.stage.play(self.runner(name), loop, name, seed, witness)


def require_alike(bundles: dict[str, PolicyBundle], execute: int) -> None:
    """Raise ValueError unless all bundles fit one robot, which executes ``execute`` actions a chunk."""
    base_name, base = next(iter(bundles.items()))
    for name, bundle in bundles.items():
        contract = bundle.contract
        for key in ALIKE:
            own, other = getattr(contract, key), getattr(base.contract, key)
            if own != other:
                raise ValueError(
                    f"bundle {name} has {key} {own}, bundle {base_name} has {other}; "
                    "methods are compared on the same task, cameras and rates"
                )
        if execute > contract.action_steps:
            raise ValueError(f"--execute {execute}: the policy {name} gives {contract.action_steps} actions")
        sizes = {(camera.height, camera.width) for camera in contract.cameras.values()}
        if len(sizes) > 1:
            raise ValueError(f"the simulated cameras have one size; the policy {name} wants {sorted(sizes)}")


def _fixed_mask(source: Any, shape: tuple[int, int]) -> str:
    """Digest of a mask and its reuse rule if it is the same for every observation, else empty."""
    rng = np.random.default_rng(0)
    first, second = (source.mask(rng.standard_normal(shape).astype(np.float32)) for _ in range(2))
    if first is not second:
        return ""
    text = repr((first.pruned.shape, source.reuse)).encode() + first.pruned.tobytes()
    return hashlib.sha256(text).hexdigest()


def _pruner(bundle: PolicyBundle, name: str, steps: int) -> str:
    """SHA-256 of the weights of the pruner that mask source ``name`` takes under a sampler of ``steps``."""
    from sag_ros.policy.bundle import PRUNER_FILE
    from sag_ros.pruning.stored import FOLDER, schedule_key

    assert bundle.folder is not None  # it was loaded from there
    key = schedule_key(name.removesuffix(FRESH_CROSS_ATTENTION), steps, bundle.contract.diffusion.steps)
    # "sag" is the bundle's own.
    file = bundle.folder / (PRUNER_FILE if key == "sag" else f"{FOLDER}/{key}.safetensors")
    return "pruner " + hashlib.sha256(file.read_bytes()).hexdigest()
