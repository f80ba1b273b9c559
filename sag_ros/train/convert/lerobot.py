"""LeRobot datasets, version 3: tables of frames in parquet files, pictures in videos or in the tables."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sag_ros.train.convert.raw import ConversionError, RawEpisode, Values, together

_STAMP, _EPISODE = "timestamp", "episode_index"


class LeRobotDataset:
    """A folder.

    Args:
        folder: with ``meta/info.json``.
        numbers, images: keys of features, as ``observation.state``.
        action: key of the actions.

    Raises:
        ConversionError: another version or format, or a key that it has not.
    """

    def __init__(self, folder: Path, numbers: Sequence[str], images: Sequence[str], action: str) -> None:
        try:
            self._info = json.loads((folder / "meta/info.json").read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError) as error:
            raise ConversionError(f"{folder}: no LeRobot dataset ({error})") from None
        version = str(self._info.get("codebase_version", ""))
        if not version.startswith("v3"):
            raise ConversionError(
                f"{folder}: is of version {version or 'unknown'}; v3 is read. LeRobot converts older ones"
            )
        features = self._info["features"]
        for key in (*numbers, *images, action):
            if key not in features:
                raise ConversionError(f"{folder}: has no {key}; there is {', '.join(features)}")
        for key in images:
            if features[key]["dtype"] not in ("video", "image"):
                raise ConversionError(f"{folder}: {key} is {features[key]['dtype']}, no picture")
        self._folder, self._numbers, self._images, self._action = folder, numbers, images, action
        self.period, self.left_out = 1.0 / float(self._info["fps"]), list[str]()
        self._episodes = self._table("meta/episodes")

    def _table(self, folder: str) -> list[dict[str, Any]]:
        import pyarrow.parquet as parquet

        rows = []
        for path in sorted((self._folder / folder).rglob("*.parquet")):
            table = parquet.read_table(path)
            kept = [name for name in table.column_names if not name.startswith("stats/")]
            rows += table.select(kept).to_pylist()
        return sorted(rows, key=lambda row: row[_EPISODE])

    def found(self) -> dict[str, Any]:
        """See :class:`raw.Source`."""
        return {"source_episodes": len(self._episodes)}

    def episodes(self) -> Iterator[RawEpisode]:
        """See :class:`raw.Source`."""
        import pyarrow.parquet as parquet

        path, table = None, None
        for episode in self._episodes:
            own = self._info["data_path"].format(
                chunk_index=episode["data/chunk_index"], file_index=episode["data/file_index"]
            )
            if own != path:
                path, table = own, parquet.read_table(self._folder / own)
            assert table is not None
            inside = np.asarray(table[_EPISODE]) == episode[_EPISODE]
            rows = table.filter(inside)
            stamps = np.asarray(rows[_STAMP], np.float64)
            numbers = {key: _numbers(rows, key) for key in self._numbers}
            images = {key: self._pictures(key, rows, episode, stamps) for key in self._images}
            name = f"episode {episode[_EPISODE]}"
            yield together(name, stamps, self.period, numbers, _numbers(rows, self._action), images)

    def _pictures(self, key: str, rows: Any, episode: Mapping[str, Any], stamps: Values) -> NDArray[np.uint8]:
        if self._info["features"][key]["dtype"] == "image":
            return np.stack([_decoded(one["bytes"]) for one in rows[key].to_pylist()])
        path = self._folder / self._info["video_path"].format(
            video_key=key,
            chunk_index=episode[f"videos/{key}/chunk_index"],
            file_index=episode[f"videos/{key}/file_index"],
        )
        return frames_at(path, stamps + float(episode[f"videos/{key}/from_timestamp"]), self.period)


def _numbers(rows: Any, key: str) -> Values:
    values = np.array(rows[key].to_pylist(), np.float64)
    return values.reshape(len(values), -1)


def _decoded(content: bytes) -> NDArray[np.uint8]:
    import cv2

    picture = cv2.imdecode(np.frombuffer(io.BytesIO(content).getbuffer(), np.uint8), cv2.IMREAD_COLOR)
    return np.ascontiguousarray(picture[:, :, ::-1])


def frames_at(path: Path, times: Values, period: float) -> NDArray[np.uint8]:
    """Frames (n, H, W, 3) of a video nearest to ``times``, s, rising.

    Raises:
        ConversionError: no frame within a period of one of them.
    """
    import av

    found: list[NDArray[np.uint8]] = []
    before: tuple[float, Any] | None = None
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        base = float(stream.time_base or 1.0)
        container.seek(max(int((times[0] - period) / base), 0), stream=stream)
        for frame in container.decode(stream):
            stamp = float(frame.pts or 0) * base
            while len(found) < len(times) and times[len(found)] <= stamp:
                wanted = times[len(found)]
                near = frame
                if before is not None and wanted - before[0] < stamp - wanted:
                    near, distance = before[1], wanted - before[0]
                else:
                    distance = stamp - wanted
                if distance > period:
                    raise ConversionError(f"{path}: no frame within {period:.3f} s of {wanted:.3f} s")
                found.append(near.to_ndarray(format="rgb24"))
            before = stamp, frame
            if len(found) == len(times):
                break
    while len(found) < len(times) and before is not None and times[len(found)] - before[0] <= period:
        found.append(before[1].to_ndarray(format="rgb24"))
    if len(found) < len(times):
        raise ConversionError(f"{path}: ends before {times[-1]:.3f} s")
    return np.stack(found)
