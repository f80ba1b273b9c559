"""Files as robomimic and LeRobot write them become demonstrations of a policy."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sag_ros.data.demonstrations import Demonstrations, StoreError
from sag_ros.policy.bundle import save_bundle
from sag_ros.policy.random_bundle import pose_actions, random_bundle
from sag_ros.policy.rotations import from_matrix, to_matrix
from sag_ros.train.convert.command import Conversion
from sag_ros.train.convert.raw import ConversionError
from sag_ros.train.data.bundle_windows import policy_windows
from sag_ros.train.data.fitted import fitted

h5py, av = pytest.importorskip("h5py"), pytest.importorskip("av")
parquet = pytest.importorskip("pyarrow.parquet")
TCP = {"rotation": "sixd_rows", "state_rotation": "quaternion_xyzw"}
POSES = ("object", "eef_pos", "eef_quat", "gripper_qpos")
JOINTS = ("observation.state",)


@pytest.fixture(scope="module")
def poses(tmp_path_factory):
    """A policy of poses and a signal, without cameras."""
    bundle = random_bundle(
        0, cameras={}, signals={"object": {"size": 4}}, tcp=TCP, action=pose_actions("sixd_rows"),
        state=["object", "tcp_position", "tcp_rotation", "gripper_fingers"],
    )  # fmt: skip
    return save_bundle(tmp_path_factory.mktemp("poses"), bundle)


@pytest.fixture(scope="module")
def joints(tmp_path_factory):
    """A policy of joints with two cameras."""
    return save_bundle(tmp_path_factory.mktemp("joints"), random_bundle(0))


def quaternions(count: int) -> np.ndarray:
    """Turning, with signs that change."""
    angle = np.linspace(0.0, 2.0, count)
    found = np.stack([np.sin(angle / 2), 0 * angle, 0 * angle, np.cos(angle / 2)], axis=1)
    found[count // 2 :] *= -1.0
    return found


def robomimic(path: Path, frames: int = 20, demos: int = 11, frequency: int | None = 20, **spoilt) -> Path:
    with h5py.File(path, "w") as file:
        data = file.create_group("data")
        if frequency is not None:
            data.attrs["env_args"] = json.dumps({"env_kwargs": {"control_freq": frequency}})
        for number in range(demos):
            rng, demo = np.random.default_rng(number), data.create_group(f"demo_{number}")
            obs = demo.create_group("obs")
            ramp = np.linspace(0, 1, frames)[:, None]
            obs["object"] = number + ramp * np.ones(4)
            obs["eef_pos"] = 0.3 + 0.05 * ramp * np.ones(3)
            obs["eef_quat"] = quaternions(frames)
            obs["gripper_qpos"] = 0.02 * np.ones((frames, 1)) * [1.0, -1.0]
            demo["actions"] = np.concatenate([0.3 + ramp * np.ones(3), rng.normal(size=(frames, 3)), ramp], 1)
            for key, value in spoilt.items():
                obs[key][3] = value
    return path


def converting(source: Path, out: Path, bundle, **options) -> Conversion:
    own = {"state": POSES, "action_rotation": "axis_angle"} if source.suffix == ".hdf5" else {"state": JOINTS}
    return Conversion(source, out, str(bundle.folder), **{**own, **options})


def test_robomimic_in_the_terms_of_a_policy(tmp_path, poses, capsys):
    source = robomimic(tmp_path / "a.hdf5")
    assert converting(source, tmp_path / "a.zarr", poses).run() == 0
    found = Demonstrations(tmp_path / "a.zarr")
    assert (len(found.ends), len(found), found.cameras) == (11, 220, [])
    with h5py.File(source) as file:
        first, last = file["data/demo_0"], file["data/demo_10"]  # in the order of their numbers
        np.testing.assert_allclose(found.state[:20, 4:7], first["obs/eef_pos"], atol=1e-6)
        np.testing.assert_allclose(found.state[-20:, :4], last["obs/object"], atol=1e-6)
        turned = from_matrix(to_matrix(first["actions"][:, 3:6], "axis_angle"), "sixd_rows")
        np.testing.assert_allclose(found.action[:20, 3:9], turned, atol=1e-5)
    turn = found.state[:20, 7:11]
    assert ((turn[1:] * turn[:-1]).sum(axis=1) > 0.99).all()  # signs were made the same
    printed = " ".join(capsys.readouterr().out.split())
    assert "11 of 11 episodes, 220 frames, recorded at 20.0 Hz, kept at 20.0 Hz" in printed
    assert "state object[0]: " in printed  # 0 to 11 is far outside of -0.5 to 0.5
    assert "right key, unit and frame?" in printed
    windows = policy_windows(poses, tmp_path / "a.zarr", tmp_path / "features.safetensors")
    assert windows.training.features.shape[-1] == poses.contract.obs_dim
    report = json.loads((tmp_path / "a.report.json").read_text())
    assert report["state"]["beyond_training"][1] > 0.5


def test_another_rate_is_resampled(tmp_path, poses):
    source = robomimic(tmp_path / "a.hdf5", frames=21, demos=1, frequency=10)
    converting(source, tmp_path / "a.zarr", poses).run()
    found = Demonstrations(tmp_path / "a.zarr")
    assert len(found) == 41
    np.testing.assert_allclose(found.state[:, 0], np.linspace(0, 1, 41), atol=1e-6)
    # An action is to be reached a period after its stamp: 0.1 s there, 0.05 s here.
    np.testing.assert_allclose(found.action[1:-1, 0], 0.3 + np.linspace(0, 1, 41)[:-2], atol=1e-5)


def test_what_does_not_fit_is_told(tmp_path, poses, joints, capsys):
    source = robomimic(tmp_path / "a.hdf5", demos=2)
    for options, said in (
        ({"state": POSES[:3]}, "the state has 11 numbers .*; the policy's has 13"),
        ({"state": ("nothing", *POSES[1:])}, "has no nothing; there is eef_pos"),
        ({"action": ("moves",)}, "has no moves; there is actions, obs"),
        ({"action_rotation": None}, "an action has 7 numbers; the policy's has 10"),
        ({"cameras": ("front=a",)}, "name=key, of the policy's cameras none"),
    ):
        with pytest.raises(ConversionError, match=said):
            converting(source, tmp_path / "b.zarr", poses, **options).run()
    with pytest.raises(ConversionError, match="names no key for front, wrist"):
        converting(source, tmp_path / "b.zarr", joints).run()
    with pytest.raises(ConversionError, match="does not say its rate; give --source-period"):
        converting(robomimic(tmp_path / "c.hdf5", frequency=None), tmp_path / "c.zarr", poses).run()
    (tmp_path / "d.hdf5").write_text("text")
    with pytest.raises(ConversionError, match="no HDF5 file"):
        converting(tmp_path / "d.hdf5", tmp_path / "d.zarr", poses).run()
    spoilt = robomimic(tmp_path / "e.hdf5", demos=1, eef_pos=np.nan)
    assert converting(spoilt, tmp_path / "e.zarr", poses).run() == 1
    assert "left out: demo_0: state of frame 3 is not finite" in " ".join(capsys.readouterr().out.split())
    converting(source, tmp_path / "f.zarr", poses).run()
    with pytest.raises(StoreError, match="is there already"):
        converting(source, tmp_path / "f.zarr", poses).run()
    with pytest.raises(StoreError, match="of another policy"):
        fitted(joints.contract.model_copy(update={"cameras": {}}), tmp_path / "f.zarr")


def video(path: Path, frames: np.ndarray, fps: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=fps)
        stream.height, stream.width, stream.pix_fmt = frames.shape[1], frames.shape[2], "yuv420p"
        stream.bit_rate = 4_000_000
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def lerobot(folder: Path, fps: int = 20, episodes: int = 2, frames: int = 12, version: str = "v3.0") -> Path:
    """One table, one video a camera; episodes one after the other in both."""
    import cv2
    import pyarrow

    count = episodes * frames
    features = {"observation.state": "float32", "action": "float32", "observation.images.front": "video",
                "observation.images.wrist": "image"}  # fmt: skip
    info = {
        "codebase_version": version, "fps": fps, "features": {k: {"dtype": v} for k, v in features.items()},
        "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
        "video_path": "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4",
    }  # fmt: skip
    (folder / "meta/episodes/chunk-000").mkdir(parents=True)
    (folder / "data/chunk-000").mkdir(parents=True)
    (folder / "meta/info.json").write_text(json.dumps(info))
    state = np.linspace(0.0, 1.0, count)[:, None] * np.ones(8)
    grey = np.linspace(20, 220, count).astype(np.uint8)
    pictures = np.repeat(grey, 32 * 48 * 3).reshape(count, 32, 48, 3)
    stored = [cv2.imencode(".png", one[:28, :28])[1].tobytes() for one in pictures]
    table = {
        "observation.state": state.tolist(), "action": (state + 0.1).tolist(),
        "observation.images.wrist": [{"bytes": one, "path": ""} for one in stored],
        "timestamp": np.tile(np.arange(frames) / fps, episodes),
        "episode_index": np.repeat(range(episodes), frames),
    }  # fmt: skip
    parquet.write_table(pyarrow.table(table), folder / "data/chunk-000/file-000.parquet")
    key = "videos/observation.images.front"
    rows = {
        "episode_index": list(range(episodes)), "data/chunk_index": [0] * episodes,
        "data/file_index": [0] * episodes, f"{key}/chunk_index": [0] * episodes,
        f"{key}/file_index": [0] * episodes,
        f"{key}/from_timestamp": [number * frames / fps for number in range(episodes)],
        "stats/action/min": [[0.0]] * episodes,
    }  # fmt: skip
    parquet.write_table(pyarrow.table(rows), folder / "meta/episodes/chunk-000/file-000.parquet")
    video(folder / "videos/observation.images.front/chunk-000/file-000.mp4", pictures, fps)
    return folder


CAMERAS = ("front=observation.images.front", "wrist=observation.images.wrist")


def test_lerobot_with_videos_and_pictures(tmp_path, joints):
    source = lerobot(tmp_path / "set")
    assert converting(source, tmp_path / "a.zarr", joints, cameras=CAMERAS).run() == 0
    found = Demonstrations(tmp_path / "a.zarr")
    assert found.ends.tolist() == [12, 24]
    np.testing.assert_allclose(found.state[:, 3], np.linspace(0, 1, 24), atol=1e-6)
    grey = np.linspace(20, 220, 24).astype(np.uint8).astype(int)
    for camera, close in (("front", 6), ("wrist", 1)):  # a video loses a little
        pictures = found.images(camera)
        assert pictures.shape == (24, 28, 28, 3)
        assert np.abs(pictures.mean(axis=(1, 2, 3)) - grey).max() <= close
    assert fitted(joints.contract, tmp_path / "a.zarr").attributes["terms"]["tcp"] is None


def test_lerobot_at_another_rate(tmp_path, joints):
    source = lerobot(tmp_path / "set", fps=10)
    assert converting(source, tmp_path / "a.zarr", joints, cameras=CAMERAS, episodes=1).run() == 0
    found = Demonstrations(tmp_path / "a.zarr")
    assert found.ends.tolist() == [23]


def test_lerobot_that_cannot_be_read(tmp_path, joints):
    old = lerobot(tmp_path / "old", version="v2.1")
    with pytest.raises(ConversionError, match=r"is of version v2\.1; v3 is read"):
        converting(old, tmp_path / "a.zarr", joints, cameras=CAMERAS).run()
    source = lerobot(tmp_path / "set")
    for options, said in (
        ({"state": ("observation.joints",)}, "has no observation.joints; there is observation.state"),
        ({"cameras": ("front=action", CAMERAS[1])}, "action is float32, no picture"),
    ):
        with pytest.raises(ConversionError, match=said):
            converting(source, tmp_path / "a.zarr", joints, **{"cameras": CAMERAS, **options}).run()
    with pytest.raises(ConversionError, match="no LeRobot dataset"):
        converting(tmp_path, tmp_path / "a.zarr", joints, cameras=CAMERAS).run()
