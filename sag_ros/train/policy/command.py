"""Train a policy from demonstrations: encoder, features, DP-T, bundle. ``sag train policy``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
import tyro

from sag_ros.data.demonstrations import Demonstrations
from sag_ros.data.windows import hold_out
from sag_ros.policy.bundle import PolicyBundle, dpt_config, encoder_config, load_bundle
from sag_ros.policy.contract import FORMAT, Contract
from sag_ros.policy.contract_file import parse_contract
from sag_ros.policy.dpt import DPT
from sag_ros.policy.encoder import EncoderConfig, ObservationEncoder
from sag_ros.policy.meanings import Rotation
from sag_ros.policy.normaliser import Normaliser
from sag_ros.robots.fr3 import ARM as FR3
from sag_ros.train.data.features import cached_features
from sag_ros.train.data.fitted import composed
from sag_ros.train.data.noise import feature_deviation
from sag_ros.train.data.windows import build_windows
from sag_ros.train.policy.conditioning import ConditioningTraining, train_conditioning
from sag_ros.train.policy.denoiser import DenoiserTraining, take_over, train_denoiser
from sag_ros.train.policy.encoder import EncoderTraining, train_encoder
from sag_ros.train.policy.export import export
from sag_ros.train.run import parallel
from sag_ros.train.run.stop import Stop


@dataclass(frozen=True)
class NetworkSize:
    """Size of DP-T and of its windows."""

    layers: int = 8
    heads: int = 4
    width: int = 256
    horizon: int = 16
    observation_steps: int = 2
    action_steps: int = 8
    diffusion_steps: int = 100


@dataclass(frozen=True)
class PolicyTraining:
    """Train a policy from demonstrations; run again to continue an interrupted training."""

    data: Path
    """demonstrations, a zarr folder"""
    out: Path = Path("out/train/policy")
    """checkpoints, logs, cached features"""
    bundle: Path | None = None
    """folder of the trained policy; also written when stopped early"""
    stage: Literal["all", "encoder", "denoiser"] = "all"
    """encoder: stop after stage 1; denoiser: take the encoder that is in the output folder"""
    snapshot: bool = False
    """only export the newest checkpoint in the output folder to the bundle"""
    task: str | None = None
    """name in the contract, default the attribute "task" of the data"""
    episodes: int | None = None
    """use only the first so many"""
    hold_out: float = 0.05
    """share of the episodes kept for validation"""
    tail: int | None = None
    """padding after the end of an episode, frames; default action_steps - 1 as the public implementation,
    horizon - observation_steps makes every frame a newest observation"""
    seed: int = 0
    threads: int = 2
    minutes: float | None = None
    """stop after this time, with a checkpoint"""
    actions: Literal["joints", "poses"] = "joints"
    """poses: of the tool centre point in the arm's base frame, by forward kinematics of the joints"""
    states: Literal["joints", "poses"] = "joints"
    """poses: the policy sees where the tool is, not the joints; with actions poses only"""
    rotation: Rotation = "sixd_rows"
    """how poses have their rotation"""
    signals: tuple[str, ...] = ()
    """places that the policy observes, too, as bag and zone: of a simulator, or told by another node"""
    blind: bool = False
    """it observes no camera; there is no encoder then"""
    start: Path | None = None
    """bundle to begin with: its encoder is kept (stage 1 is left out), and those weights of its denoiser that
    have the same size; otherwise from random weights"""
    size: NetworkSize = field(default_factory=NetworkSize)
    cameras: Annotated[EncoderConfig, tyro.conf.AvoidSubcommands] = field(default_factory=EncoderConfig)
    encoder: EncoderTraining = field(default_factory=EncoderTraining)
    conditioning: ConditioningTraining = field(default_factory=ConditioningTraining)
    denoiser: DenoiserTraining = field(default_factory=DenoiserTraining)

    def run(self) -> bool:
        """Train what is left to train; returns whether all of it is done.

        Raises:
            StoreError, CheckpointError, BundleError, ValueError: unusable input, with what to do.
        """
        checkpoint = self.out / "denoiser" / "checkpoint.pt"
        if self.snapshot:
            if self.bundle is None:
                raise ValueError("a snapshot needs --bundle, the folder to write")
            export(checkpoint, self.bundle)
            return False
        parallel.join()
        torch.set_num_threads(self.threads)
        demonstrations = self._demonstrations()
        start = self._start(demonstrations)
        training, validation = hold_out(len(demonstrations.ends), self.hold_out, self.seed)
        normaliser = Normaliser.fit(demonstrations.state, demonstrations.action)
        print(f"{len(demonstrations.ends)} episodes, {len(demonstrations)} frames, "
              f"{len(validation)} episodes held out", flush=True)  # fmt: skip
        with Stop(self.minutes) as stop:
            encoder = None if start is None else start.encoder
            if not self._cameras(demonstrations):
                encoder = ObservationEncoder((), EncoderConfig())
            if encoder is None:
                encoder = train_encoder(
                    self.out / "encoder", self.encoder, self.cameras, demonstrations, normaliser,
                    training, validation, self.seed, stop, reuse=self.stage == "denoiser",
                )  # fmt: skip
            if encoder is None or self.stage == "encoder":
                return False
            features = cached_features(
                self.out / "features.safetensors", encoder, normaliser, demonstrations,
                self.denoiser.augmented_copies, self.encoder.augment, self.seed,
            )  # fmt: skip
            contract = self.contract(demonstrations)
            size = self.size
            padded = size.action_steps if self.tail is None else self.tail + 1
            shape = (size.horizon, size.observation_steps, padded)
            windows = [
                build_windows(demonstrations, features, normaliser, *shape, episodes)
                for episodes in (training, validation)
            ]
            torch.manual_seed(self.seed)
            model = DPT(dpt_config(contract, p_drop_attn=self.denoiser.dropout))
            if start is not None:
                print(f"{take_over(model, start.dpt)} from {self.start}", flush=True)
            extra = {
                "contract": json.dumps(contract.model_dump()),
                "encoder": encoder.state_dict(),
                "normaliser": normaliser.state_dict(),
            }
            if start is None and not checkpoint.exists():
                noise = self.denoiser
                deviation = feature_deviation(contract, noise.feature_noise, noise.state_noise)
                if not train_conditioning(
                    self.out / "conditioning", self.conditioning, model, deviation,
                    windows[0], windows[1], self.seed, stop,
                ):  # fmt: skip
                    return False
            done = train_denoiser(
                self.out / "denoiser", self.denoiser, contract, model, normaliser,
                windows[0], windows[1], self.seed, stop, extra,
            )  # fmt: skip
            if self.bundle is not None and checkpoint.exists():
                export(checkpoint, self.bundle)
        return done

    def _cameras(self, demonstrations: Demonstrations) -> list[str]:
        """Those that the policy sees."""
        return [] if self.blind else list(demonstrations.cameras)

    def _demonstrations(self) -> Demonstrations:
        found = Demonstrations(self.data, self.episodes)
        if self.actions == "joints" and self.states == "poses":
            raise ValueError("--states poses needs --actions poses")
        rotation = self.rotation if self.actions == "poses" else None
        return composed(found, rotation, self.states == "poses", self.signals)

    def _start(self, demonstrations: Demonstrations) -> PolicyBundle | None:
        if self.start is None:
            return None
        start = load_bundle(self.start)
        if not self._cameras(demonstrations):
            return start
        own = self.cameras, list(demonstrations.cameras)
        if (encoder_config(start.contract), list(start.contract.cameras)) != own:
            raise ValueError(f"the encoder of {self.start} has other sizes or cameras than {own}")
        return start

    def contract(self, demonstrations: Demonstrations) -> Contract:
        """What the trained policy observes and does, from the attributes of the data."""
        attributes, size = demonstrations.attributes, self.size
        joints = list(attributes.get("joints", FR3.joints))
        action = [{"name": name, "meaning": "joint_position", "unit": "rad"} for name in joints]
        action.append({"name": "gripper", "meaning": "gripper_width", "unit": "m"})
        cameras = {}
        for camera in self._cameras(demonstrations):
            height, width = demonstrations.frame_size(camera)
            cameras[camera] = {"height": height, "width": width}
        content = {
            "format": FORMAT,
            "task": self.task or attributes.get("task", self.data.stem),
            "cameras": cameras,
            "joints": joints,
            "action": action,
            **attributes.get("contract", {}),
            **getattr(demonstrations, "contract", {}),
            "control_period": float(attributes["period"]),
            "horizon": size.horizon,
            "observation_steps": size.observation_steps,
            "action_steps": size.action_steps,
            "diffusion": {
                "steps": size.diffusion_steps,
                "schedule": "squaredcos_cap_v2",
                "prediction": "epsilon",
                "clip_sample": True,
            },
            "network": {"layers": size.layers, "heads": size.heads, "width": size.width, "cond_layers": 0},
            "encoder": asdict(self.cameras) if cameras else None,
            "pruner": None,
            "provenance": self._provenance(demonstrations),
        }
        return parse_contract(content, self.data)

    def _provenance(self, demonstrations: Demonstrations) -> dict[str, Any]:
        arguments = asdict(self)
        for name in ("out", "bundle", "snapshot", "stage", "minutes", "threads"):
            arguments.pop(name)  # where and how long at a time, not what
        arguments["data"] = self.data.name
        arguments["start"] = None if self.start is None else self.start.name
        seeds = demonstrations.seeds
        return {
            "data": json.loads(json.dumps(demonstrations.attributes, default=str)),
            "episodes": len(demonstrations.ends),
            "frames": len(demonstrations),
            "episode_seeds": [int(seeds.min()), int(seeds.max())],
            "arguments": json.loads(json.dumps(arguments, default=str)),
            "torch": torch.__version__,
        }
