from __future__ import annotations

import numpy as np
import pytest

from sag_ros.data.demonstrations import Demonstrations, DemonstrationWriter, Episode, StoreError, merge

ATTRIBUTES = {"period": 0.05, "privileged": ["bag_x", "bag_y"], "joints": ["j1"]}


def make_episode(seed: int, length: int = 7) -> Episode:
    rng = np.random.default_rng(seed)
    return Episode(
        images={name: rng.integers(0, 256, (length, 6, 8, 3), dtype=np.uint8) for name in ("front", "wrist")},
        state=rng.normal(size=(length, 8)).astype(np.float32),
        action=rng.normal(size=(length, 8)).astype(np.float32),
        privileged=rng.normal(size=(length, 2)).astype(np.float32),
        seed=seed,
    )


def assert_equal(a: Episode, b: Episode) -> None:
    assert a.seed == b.seed
    for name in ("state", "action", "privileged"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert list(a.images) == list(b.images)
    for camera in a.images:
        np.testing.assert_array_equal(a.images[camera], b.images[camera])


def test_what_is_written_is_read(tmp_path):
    episodes = [make_episode(seed, length) for seed, length in ((3, 7), (5, 130), (8, 1))]
    for episode in episodes:  # a new writer each time: an existing store is extended
        DemonstrationWriter(tmp_path / "d.zarr", ATTRIBUTES).append(episode)
    read = Demonstrations(tmp_path / "d.zarr")
    assert read.ends.tolist() == [7, 137, 138]
    assert read.starts.tolist() == [0, 7, 137]
    assert read.cameras == ["front", "wrist"]
    assert read.privileged_names == ["bag_x", "bag_y"]
    assert read.attributes["period"] == 0.05
    assert read.frame_size("front") == (6, 8)
    for index, episode in enumerate(episodes):
        assert_equal(read.episode(index), episode)
    assert len(Demonstrations(tmp_path / "d.zarr", episodes=1)) == 7


def test_interrupted_append_is_invisible_and_overwritten(tmp_path, monkeypatch):
    path = tmp_path / "d.zarr"
    writer = DemonstrationWriter(path, ATTRIBUTES)
    writer.append(make_episode(1))
    group = writer._group
    group["state"].resize((20, 8))  # as if killed between the frames and the end mark
    group["episode_ends"].resize((2,))
    assert len(Demonstrations(path)) == 7
    again = DemonstrationWriter(path, ATTRIBUTES)
    assert again.episodes == 1
    again.append(make_episode(2))
    assert_equal(Demonstrations(path).episode(1), make_episode(2))


def test_merge_keeps_order_and_seeds(tmp_path):
    for part in (0, 1):
        DemonstrationWriter(tmp_path / f"{part}.zarr", ATTRIBUTES).append(make_episode(part))
    assert merge([tmp_path / "1.zarr", tmp_path / "0.zarr"], tmp_path / "all.zarr") == 2
    assert Demonstrations(tmp_path / "all.zarr").seeds.tolist() == [1, 0]


def test_who_goes_on_in_another_way_is_noted(tmp_path):
    path = tmp_path / "two.zarr"
    for pushes in (0.0, 0.0, 0.1, 0.1):
        writer = DemonstrationWriter(path, {**ATTRIBUTES, "recorder": {"pushes": pushes}})
        writer.append(make_episode(writer.episodes))
    attributes = Demonstrations(path).attributes
    assert attributes["recorder"] == {"pushes": 0.0}
    assert attributes["continued"] == [{"from": 2, "recorder": {"pushes": 0.1}}]


def test_refusals(tmp_path):
    path = tmp_path / "d.zarr"
    with pytest.raises(StoreError, match="not a zarr store"):
        Demonstrations(path)
    writer = DemonstrationWriter(path, ATTRIBUTES)
    good = make_episode(1)
    with pytest.raises(StoreError, match="same number"):
        writer.append(Episode(good.images, good.state[:-1], good.action, good.privileged))
    with pytest.raises(StoreError, match="finite"):
        writer.append(Episode(good.images, good.state * np.nan, good.action, good.privileged))
    assert not path.exists()
    writer.append(good)
    with pytest.raises(StoreError, match="cameras"):
        writer.append(Episode({"front": good.images["front"]}, good.state, good.action, good.privileged))
    with pytest.raises(StoreError, match="a row is"):
        writer.append(Episode(good.images, good.state[:, :7], good.action, good.privileged))
    with pytest.raises(StoreError, match="period"):
        DemonstrationWriter(path, {**ATTRIBUTES, "period": 0.1})
