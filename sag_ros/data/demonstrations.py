"""Demonstrations on disk: one zarr v3 folder, frames of all episodes back to back.

Arrays (N frames, E episodes), row ``n`` belongs to time ``t_n``:
    images/<camera>  (N, H, W, 3) uint8, RGB
    state            (N, S) float32, as :class:`sag_ros.values.Observation`
    action           (N, A) float32, ``action[n]`` is the set point for ``t_n + period``
    privileged       (N, P) float32, task state only a simulator knows; columns: attribute ``privileged``
    intervention     (N,) bool, whether a human had the arm; not in a store where nobody ever told
    episode_seed     (E,) int64
    episode_ends     (E,) int64, exclusive; written last, so it alone says which episodes are complete
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec

FORMAT = "sag_ros demonstrations 1"
CHUNK = 100  # frames: neighbouring frames are alike, which is where zstd gains
UNWRITTEN = -1
INTERVENTION = "intervention"


class StoreError(ValueError):
    """A demonstration store is missing, foreign, or does not fit what is appended to it."""


@dataclass(frozen=True)
class Episode:
    """One demonstration of n frames.

    Attributes:
        images: camera name -> (n, H, W, 3) uint8, RGB.
        state: (n, S), rad and m.
        action: (n, A), set points for one period later, rad and m.
        privileged: (n, P), SI units.
        seed: of the simulation it was recorded in; -1 = none.
        intervention: (n,) bool, whether a human had the arm; None: nobody tells.
    """

    images: Mapping[str, np.ndarray]
    state: np.ndarray
    action: np.ndarray
    privileged: np.ndarray
    seed: int = -1
    intervention: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.state)


def _rows(episode: Episode) -> dict[str, np.ndarray]:
    """Arrays of the store, a row for each frame."""
    rows = {f"images/{name}": images for name, images in episode.images.items()}
    rows |= {name: getattr(episode, name) for name in ("state", "action", "privileged")}
    return rows if episode.intervention is None else rows | {INTERVENTION: episode.intervention}


def _check(episode: Episode) -> None:
    lengths = {name: len(rows) for name, rows in _rows(episode).items()}
    if len(set(lengths.values())) != 1 or 0 in lengths.values():
        raise StoreError(f"an episode has the same number (> 0) of rows in each array; got {lengths}")
    for name in ("state", "action", "privileged"):
        values = np.asarray(getattr(episode, name))
        if values.ndim != 2 or not np.isfinite(values).all():
            raise StoreError(f"{name} is a finite (n, columns) array; got shape {values.shape}")
    for name, images in episode.images.items():
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
            raise StoreError(f"images/{name} is (n, H, W, 3) uint8; got {images.shape} {images.dtype}")


def _complete(group: zarr.Group) -> int:
    """Number of complete episodes: an append that was cut short leaves an unwritten or no last entry."""
    ends = np.asarray(group["episode_ends"][:])
    return int((np.cumprod(ends != UNWRITTEN)).sum()) if len(ends) else 0


class DemonstrationWriter:
    """Appends whole episodes; an interrupted append leaves the store at the episode before it.

    Args:
        path: folder of the store; created at the first append, extended if it exists.
        attributes: what a reader has to know: ``period`` (s), ``joints``, ``action`` (meaning of the
            columns), ``privileged`` (column names), recorder arguments, ... (JSON values).
            They are checked against an existing store: ``period``, ``privileged`` must be equal. Another
            ``recorder`` is noted as ``continued``, with the number of its first episode.

    Raises:
        StoreError: the path holds something else, or a store with other attributes.
    """

    def __init__(self, path: str | Path, attributes: Mapping[str, Any]) -> None:
        self.path = Path(path)
        self.attributes = dict(attributes)
        for key in ("period", "privileged"):
            if key not in self.attributes:
                raise StoreError(f"attribute {key!r} is missing; got {sorted(self.attributes)}")
        self._group: zarr.Group | None = None
        if self.path.exists():
            self._group = _open(self.path, "r+")
            for key in ("period", "privileged"):
                if self._group.attrs[key] != self.attributes[key]:
                    raise StoreError(
                        f"{self.path}: {key} is {self._group.attrs[key]!r}, not {self.attributes[key]!r}; "
                        "record into another folder"
                    )
            self._continue(self._group)

    def _continue(self, group: zarr.Group) -> None:
        """Note from which episode on it is recorded in another way."""
        told: Any = group.attrs.get("continued", [])
        last = told[-1]["recorder"] if told else group.attrs.get("recorder")
        own = self.attributes.get("recorder")
        if own is not None and own != last:
            group.attrs["continued"] = [*told, {"from": self.episodes, "recorder": own}]

    @property
    def episodes(self) -> int:
        """Number of complete episodes in the store."""
        return 0 if self._group is None else _complete(self._group)

    @property
    def last_seed(self) -> int | None:
        """Seed of the newest complete episode, None in an empty store."""
        count = self.episodes
        return int(self._group["episode_seed"][count - 1]) if self._group is not None and count else None

    def append(self, episode: Episode) -> None:
        """Add one episode. Raises StoreError if shapes disagree with each other or with the store."""
        _check(episode)
        if self._group is None:
            self._group = self._create(episode)
        group, count = self._group, self.episodes
        rows = _rows(episode)
        if (INTERVENTION in group) != (INTERVENTION in rows):
            raise StoreError(
                f"{self.path}: either all episodes say when a human had the arm, or none; take another one"
            )
        if list(episode.images) != list(group.attrs["cameras"]):
            raise StoreError(f"cameras are {group.attrs['cameras']}; got {list(episode.images)}")
        for name, values in rows.items():
            if group[name].shape[1:] != values.shape[1:]:
                raise StoreError(f"{name}: a row is {group[name].shape[1:]}; got {values.shape[1:]}")
        start = int(group["episode_ends"][count - 1]) if count else 0
        end = start + len(episode)
        for name, values in rows.items():
            group[name].resize((end, *values.shape[1:]))
            group[name][start:end] = values
        for name, value in (("episode_seed", episode.seed), ("episode_ends", end)):
            group[name].resize((count + 1,))
            group[name][count] = value

    def _create(self, episode: Episode) -> zarr.Group:
        group = zarr.open_group(self.path, mode="w-", zarr_format=3)
        codec = BloscCodec(cname="zstd", clevel=5, shuffle="shuffle")

        def array(name: str, row: tuple[int, ...], dtype: str, chunk: int, fill: int = 0) -> None:
            chunks = chunk, *(max(size, 1) for size in row)  # of no column, too
            group.create_array(
                name, shape=(0, *row), chunks=chunks, dtype=dtype, compressors=codec, fill_value=fill
            )

        for name, images in episode.images.items():
            array(f"images/{name}", images.shape[1:], "uint8", CHUNK)
        for name in ("state", "action", "privileged"):
            array(name, getattr(episode, name).shape[1:], "float32", 4096)
        if episode.intervention is not None:
            array(INTERVENTION, (), "bool", 4096)
        array("episode_seed", (), "int64", 4096)
        array("episode_ends", (), "int64", 4096, UNWRITTEN)
        group.attrs.update({**self.attributes, "format": FORMAT, "cameras": list(episode.images)})
        return group


def _open(path: Path, mode: Any) -> zarr.Group:
    try:
        group = zarr.open_group(path, mode=mode)
    except (FileNotFoundError, ValueError) as error:
        raise StoreError(f"{path} is not a zarr store ({error}); record one with `sag record`") from error
    if group.attrs.get("format") != FORMAT:
        raise StoreError(f"{path}: format is {group.attrs.get('format')!r}, expected {FORMAT!r}")
    return group


class Demonstrations:
    """Reader. Small arrays are in memory; images are read on request.

    Attributes:
        attributes: of the store (``period``, ``joints``, ``action``, ``privileged``, ``cameras``, ...).
        cameras: names in recorded order.
        state (N, S), action (N, A), privileged (N, P): float32.
        intervention: (N,) bool, whether a human had the arm; None where nobody tells.
        privileged_names: P column names.
        ends: (E,) exclusive end of each episode; seeds: (E,).

    Args:
        path: folder of the store.
        episodes: read only the first so many.

    Raises:
        StoreError: missing, foreign, or empty store.
    """

    def __init__(self, path: str | Path, episodes: int | None = None) -> None:
        self.path = Path(path)
        self._group = _open(self.path, "r")
        self.attributes: dict[str, Any] = dict(self._group.attrs)
        self.cameras: list[str] = list(self.attributes["cameras"])
        self.privileged_names: list[str] = list(self.attributes["privileged"])
        count = _complete(self._group)
        if count == 0:
            raise StoreError(f"{self.path} holds no complete episode")
        if episodes is not None:
            count = min(count, episodes)
        self.ends = np.asarray(self._group["episode_ends"][:count])
        self.seeds = np.asarray(self._group["episode_seed"][:count])
        n = len(self)
        self.state = np.asarray(self._group["state"][:n])
        self.action = np.asarray(self._group["action"][:n])
        self.privileged = np.asarray(self._group["privileged"][:n])
        told = INTERVENTION in self._group
        self.intervention = np.asarray(self._group[INTERVENTION][:n]) if told else None

    def __len__(self) -> int:
        """Number of frames."""
        return int(self.ends[-1])

    @property
    def starts(self) -> np.ndarray:
        """(E,) first frame of each episode."""
        return np.concatenate([[0], self.ends[:-1]])

    def frame_size(self, camera: str) -> tuple[int, int]:
        """(H, W) of a camera, px."""
        return tuple(self._group[f"images/{camera}"].shape[1:3])  # type: ignore[return-value]

    def images(self, camera: str, start: int = 0, end: int | None = None) -> np.ndarray:
        """(end - start, H, W, 3) uint8 frames of a camera, decompressed into memory."""
        return np.asarray(self._group[f"images/{camera}"][start : len(self) if end is None else end])

    def episode(self, index: int) -> Episode:
        """The episode ``index``, images included."""
        start, end = int(self.starts[index]), int(self.ends[index])
        return Episode(
            images={camera: self.images(camera, start, end) for camera in self.cameras},
            state=self.state[start:end],
            action=self.action[start:end],
            privileged=self.privileged[start:end],
            seed=int(self.seeds[index]),
            intervention=None if self.intervention is None else self.intervention[start:end],
        )


def merge(sources: Sequence[str | Path], target: str | Path) -> int:
    """Append all episodes of ``sources`` (recorded in parallel, say) to ``target``; returns their number."""
    count = 0
    for source in sources:
        demonstrations = Demonstrations(source)
        writer = DemonstrationWriter(target, demonstrations.attributes)
        for index in range(len(demonstrations.ends)):
            writer.append(demonstrations.episode(index))
            count += 1
    return count
