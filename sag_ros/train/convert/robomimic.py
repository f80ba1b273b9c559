"""robomimic's HDF5 files: ``data/demo_0/obs/<key>``, ``data/demo_0/actions``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sag_ros.train.convert.raw import ConversionError, RawEpisode, together


class RobomimicFile:
    """A file, frames at a fixed rate.

    Args:
        path: of the file.
        numbers, images: keys of observations.
        action: name of the array of actions beside ``obs``.
        period: s; NaN: as the environment in the file says.

    Raises:
        ConversionError: no such file, or another format.
    """

    def __init__(
        self, path: Path, numbers: Sequence[str], images: Sequence[str], action: str, period: float
    ) -> None:
        import h5py

        try:
            self._file: Any = h5py.File(path, "r")
        except OSError as error:
            raise ConversionError(f"{path}: no HDF5 file ({error})") from None
        if "data" not in self._file:
            raise ConversionError(f"{path}: has no group data; robomimic's files have")
        self._path, self._numbers, self._images, self._action = path, numbers, images, action
        demos = [name for name in self._file["data"] if name.startswith("demo_")]
        self._names = sorted(demos, key=lambda name: int(name.removeprefix("demo_")))
        self.period = self._stated() if np.isnan(period) else period
        self.left_out: list[str] = []

    def _stated(self) -> float:
        environment = self._file["data"].attrs.get("env_args")
        if environment is None:
            return float("nan")
        frequency = json.loads(environment).get("env_kwargs", {}).get("control_freq")
        return 1.0 / frequency if frequency else float("nan")

    def found(self) -> dict[str, Any]:
        """See :class:`raw.Source`."""
        return {"source_episodes": len(self._names)}

    def episodes(self) -> Iterator[RawEpisode]:
        """See :class:`raw.Source`."""
        if np.isnan(self.period):
            raise ConversionError(f"{self._path}: does not say its rate; give --source-period")
        for name in self._names:
            demo = self._file["data"][name]
            action = np.asarray(self._get(demo, name, self._action), np.float64)
            numbers = {}
            for key in self._numbers:
                value = np.asarray(self._get(demo["obs"], f"{name}/obs", key), np.float64)
                numbers[key] = value.reshape(len(value), -1)
            images = {key: np.asarray(self._get(demo["obs"], f"{name}/obs", key)) for key in self._images}
            for key, pictures in images.items():
                if pictures.dtype != np.uint8 or pictures.ndim != 4 or pictures.shape[-1] != 3:
                    raise ConversionError(
                        f"{self._path}: {name}/obs/{key} is {pictures.dtype} {pictures.shape}; pictures are "
                        "uint8 (n, H, W, 3)"
                    )
            stamps = self.period * np.arange(len(action))
            yield together(name, stamps, self.period, numbers, action, images)

    def _get(self, group: Any, where: str, key: str) -> Any:
        if key not in group:
            there = ", ".join(group)
            raise ConversionError(f"{self._path}: {where} has no {key}; there is {there}")
        return group[key][()]
