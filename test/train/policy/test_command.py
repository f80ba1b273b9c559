from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from sag_ros.data.demonstrations import Demonstrations
from sag_ros.policy.bundle import load_bundle
from sag_ros.policy.encoder import EncoderConfig
from sag_ros.policy.normaliser import Normaliser
from sag_ros.train.data.augment import Photometric
from sag_ros.train.data.bundle_windows import policy_windows
from sag_ros.train.data.features import camera_features, frame_features
from sag_ros.train.data.windows import build_windows
from sag_ros.train.policy import command as policy_module
from sag_ros.train.policy.command import NetworkSize, PolicyTraining
from sag_ros.train.policy.conditioning import ConditioningTraining
from sag_ros.train.policy.denoiser import DenoiserTraining
from sag_ros.train.policy.encoder import EncoderTraining, column_weights
from sag_ros.train.policy.export import bundle_of, export
from sag_ros.train.run.checkpoint import CheckpointError, load_checkpoint
from sag_ros.train.run.loop import LoopConfig
from sag_ros.train.run.progress import read_records
from sag_ros.train.run.stop import Stop

SIZE = NetworkSize(
    layers=1, heads=2, width=16, horizon=8, observation_steps=2, action_steps=4, diffusion_steps=10
)


def training(store, out, **changes):
    config = PolicyTraining(
        data=store,
        out=out,
        bundle=out / "bundle",
        hold_out=0.2,
        threads=1,
        size=SIZE,
        cameras=EncoderConfig(8, 4, 6),
        encoder=EncoderTraining(LoopConfig(12, 16, 3e-3, 2), weights={"square_*": 2.0}),
        conditioning=ConditioningTraining(1, 16),
        denoiser=DenoiserTraining(
            LoopConfig(10, 16, 1e-3, 2), dropout=0.1, full_share=0.5, validation_sampler="ddim5"
        ),
    )
    return replace(config, **changes)


@pytest.fixture(scope="module")
def trained(store, tmp_path_factory):
    config = training(store, tmp_path_factory.mktemp("train"))
    assert config.run()
    return config


def test_bundle_loads_and_tells_where_it_comes_from(trained, store):
    bundle = load_bundle(trained.bundle)
    contract = bundle.contract
    assert contract.task == "point_at_square"
    assert contract.pruner is None
    assert list(contract.cameras) == ["front", "wrist"]
    assert contract.cameras["front"].height == 24
    assert (contract.horizon, contract.action_steps, contract.control_period) == (8, 4, 0.05)
    provenance = contract.provenance
    assert provenance["iterations"] == 10
    assert provenance["episodes"] == 6
    assert provenance["episode_seeds"] == [0, 5]
    assert provenance["torch"] == torch.__version__
    assert str(store.parent) not in str(provenance)


def test_bundle_holds_the_averaged_weights_and_the_encoder_trained_on(trained):
    bundle = load_bundle(trained.bundle)
    content = load_checkpoint(trained.out / "denoiser" / "checkpoint.pt")
    for name, value in content["ema"]["module"].items():
        torch.testing.assert_close(bundle.dpt.state_dict()[name], value, rtol=1e-3, atol=1e-4)
    for name, value in content["extra"]["encoder"].items():
        assert torch.equal(bundle.encoder.state_dict()[name], value)  # float16 on disk loses nothing


def test_features_are_standardised(trained, store):
    demonstrations = Demonstrations(store)
    bundle = load_bundle(trained.bundle)
    features = frame_features(bundle.encoder, bundle.normaliser, demonstrations)
    assert features.shape == (1, len(demonstrations), bundle.contract.obs_dim)
    cameras = features[0, :, :-8]
    assert float(cameras.mean().abs()) < 0.5
    assert 0.3 < float(cameras.std()) < 2.0
    images = {camera: torch.from_numpy(demonstrations.images(camera)[7:8]) for camera in ("front", "wrist")}
    state = bundle.normaliser.normalise("state", torch.from_numpy(demonstrations.state[7:8]))
    torch.testing.assert_close(features[0, 7:8], bundle.encoder.frame(images, state), atol=1e-5, rtol=1e-5)


class StopAfter(Stop):
    """Stops after some iterations of whichever stage is running."""

    steps = 0

    def __bool__(self):
        StopAfter.steps -= 1
        return StopAfter.steps < 0


def test_interrupted_stages_end_with_the_same_policy(trained, store, tmp_path, monkeypatch):
    monkeypatch.setattr(policy_module, "Stop", StopAfter)
    for run, steps in enumerate((0, 5, 4, 7, 0, 4, 99)):
        StopAfter.steps = steps
        done = training(store, tmp_path).run()
        assert (tmp_path / "bundle").exists() == (run >= 3)  # never a policy that was not trained at all
    assert done
    for stage in ("encoder", "denoiser"):
        a, b = (load_checkpoint(out / stage / "checkpoint.pt") for out in (trained.out, tmp_path))
        assert all(torch.equal(value, b["model"][name]) for name, value in a["model"].items())
    assert load_bundle(tmp_path / "bundle").weights_hash == load_bundle(trained.bundle).weights_hash


def test_snapshot_and_errors(trained, tmp_path):
    replace(trained, snapshot=True, bundle=tmp_path / "snapshot").run()
    assert load_bundle(tmp_path / "snapshot").weights_hash == load_bundle(trained.bundle).weights_hash
    with pytest.raises(CheckpointError, match="not a checkpoint of the denoiser"):
        bundle_of(trained.out / "encoder" / "checkpoint.pt")
    with pytest.raises(CheckpointError, match="does not exist"):
        export(tmp_path / "none.pt", tmp_path / "bundle")
    with pytest.raises(ValueError, match="--bundle"):
        replace(trained, snapshot=True, bundle=None).run()


def test_logs(trained):
    encoder = read_records(trained.out / "encoder" / "log.jsonl")[-1]["final"]
    assert set(encoder["rms"]) == {"square_x", "square_y"}
    assert set(encoder["unexplained"]) == {"front", "wrist"}
    denoiser = read_records(trained.out / "denoiser" / "log.jsonl")[-1]
    assert denoiser["iteration"] == 10
    assert denoiser["action_error"]["mrad"] > 0
    assert denoiser["validation_loss"] > 0


def test_encoder_learns_where_the_square_is(tmp_path, store):
    config = training(store, tmp_path, stage="encoder")
    config = replace(config, encoder=replace(config.encoder, loop=LoopConfig(60, 32, 5e-3, 5)), hold_out=0.2)
    config.run()
    records = read_records(tmp_path / "encoder" / "log.jsonl")
    assert records[0]["loss"] < 1.0  # mean over the 60 iterations; 1.2 and more without learning


def test_windows_of_features(store):
    demonstrations = Demonstrations(store)
    normaliser = Normaliser.fit(demonstrations.state, demonstrations.action)
    count = len(demonstrations)
    features = np.arange(count * 3, dtype=np.float32).reshape(count, 3)
    windows = build_windows(demonstrations, features, normaliser, 8, 2, 4, np.array([1]))
    observed, actions = windows.at(torch.tensor([0, 3]))
    start = demonstrations.starts[1]
    assert observed[:, :, 0].div(3).tolist() == [[start, start], [start + 2, start + 3]]
    assert actions.shape == (2, 8, 8)
    assert float(actions.abs().max()) <= 1.0 + 1e-6
    # token To - 1 is the action that belongs to the newest frame
    expected = normaliser.normalise("action", torch.from_numpy(demonstrations.action[start + 3]))
    assert torch.equal(actions[1, 1], expected)
    first, again = (next(windows.batches(4, seed=0, start=2)) for _ in range(2))
    assert torch.equal(first[0], again[0])
    with pytest.raises(ValueError, match="compute the features anew"):
        build_windows(demonstrations, features[:-1], normaliser, 8, 2, 4)


def test_augmentation_moves_nothing_and_is_bounded():
    torch.manual_seed(0)
    images = torch.randint(100, 140, (4, 10, 12, 3), dtype=torch.uint8)
    assert torch.equal(Photometric(0.0, 0.0, 0.0, 0.0)(images), images)
    changed = Photometric(0.1, 0.2, 0.1, 0.0)(images)
    assert changed.dtype == torch.uint8
    assert changed.shape == images.shape
    for before, after in zip(images, changed, strict=True):
        stacked = torch.stack([before[..., 0].flatten().float(), after[..., 0].flatten().float()])
        assert float(torch.corrcoef(stacked)[0, 1]) > 0.99


def test_column_weights():
    weights = column_weights(["bag_x", "bag_y", "zone_x"], {"*": 1.0, "bag_*": 4.0})
    assert weights.tolist() == pytest.approx([4 / 3, 4 / 3, 1 / 3])
    with pytest.raises(ValueError, match="matches none"):
        column_weights(["bag_x"], {"bog_*": 2.0})


def test_augmented_features_differ_but_reproducibly(trained, store):
    bundle = load_bundle(trained.bundle)
    images = {camera: Demonstrations(store).images(camera)[:5] for camera in ("front", "wrist")}
    plain = camera_features(bundle.encoder, images)["front"]
    a, b = (camera_features(bundle.encoder, images, Photometric(), seed=1)["front"] for _ in range(2))
    assert torch.equal(a, b)
    assert not torch.equal(a, plain)


def test_a_policy_of_poses_begins_with_the_encoder_of_another(trained, store, tmp_path):
    config = training(
        store, tmp_path, actions="poses", states="poses", rotation="quaternion_xyzw", start=trained.bundle
    )
    assert config.run()
    bundle, before = load_bundle(config.bundle), load_bundle(trained.bundle)
    contract = bundle.contract
    assert contract.commands_poses
    assert contract.observes_poses
    assert (contract.action_dim, contract.state_dim, contract.tcp.rotation) == (8, 8, "quaternion_xyzw")
    for name, value in before.encoder.state_dict().items():
        assert torch.equal(value, bundle.encoder.state_dict()[name])
    assert not (tmp_path / "encoder").exists()
    with pytest.raises(ValueError, match="other sizes or cameras"):
        replace(config, cameras=EncoderConfig(8, 4, 7)).run()
    with pytest.raises(ValueError, match="needs --actions poses"):
        replace(config, actions="joints").run()


def test_a_policy_of_numbers_alone(store, tmp_path):
    config = training(store, tmp_path, signals=("square",), blind=True)
    assert config.run()
    contract = load_bundle(config.bundle).contract
    assert (contract.cameras, contract.encoder, contract.obs_dim) == ({}, None, 10)
    assert contract.state == ["joint_position", "gripper_width", "square"]
    assert contract.signals["square"].size == 2
    assert not (tmp_path / "encoder").exists()
    windows = policy_windows(load_bundle(config.bundle), store, tmp_path / "again.safetensors")
    assert windows.training.features.shape[-1] == 10
    with pytest.raises(ValueError, match="no place 'cup'; there is square"):
        replace(config, signals=("cup",)).run()
