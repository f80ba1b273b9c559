"""What pictures look like in training, kept in a bundle: ``sag pictures``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from sag_ros.policy.bundle import load_bundle
from sag_ros.policy.pictures import KINDS, Likeness
from sag_ros.policy.pictures_file import PICTURES_FILE, write_pictures
from sag_ros.train.record.arm import demonstrate, prepare
from sag_ros.train.record.command import Recording

_SHARE = 5  # every so many pictures of an episode; neighbours are alike


@dataclass(frozen=True)
class Pictures:
    """Pictures of demonstrations, so that policy_node can tell a dark camera or another view from these.

    Writes pictures.json into the bundle.

    Attributes:
        bundle: folder of the policy.
        data: zarr store with the demonstrations of its training; without one, as many are simulated.
        episodes: that are looked at.
        seed: of the first simulated one.
    """

    bundle: Path = Path("models/pick_release")
    data: Path | None = None
    episodes: int = 60
    seed: int = 0

    def run(self) -> int:
        """Returns 0.

        Raises:
            BundleError, StoreError: what is read cannot be used.
            ValueError: fewer than two pictures.
        """
        contract = load_bundle(self.bundle).contract
        cameras = list(contract.cameras)
        images = self._stored(cameras) if self.data is not None else self._simulated(contract.task, cameras)
        likeness = {name: Likeness.of(frames) for name, frames in images.items()}
        write_pictures(self.bundle, likeness)
        for name, one in likeness.items():
            limits = ", ".join(f"{kind} {limit:.2f}" for kind, limit in zip(KINDS, one.limits, strict=True))
            print(f"camera {name}: {len(images[name])} pictures; limits {limits}")
        print(f"written to {self.bundle / PICTURES_FILE}")
        return 0

    def _stored(self, cameras: list[str]) -> dict[str, list[np.ndarray]]:
        from sag_ros.data.demonstrations import Demonstrations

        assert self.data is not None
        store = Demonstrations(self.data, self.episodes)
        return {name: list(store.images(name)[::_SHARE]) for name in cameras}

    def _simulated(self, task: str, cameras: list[str]) -> dict[str, list[np.ndarray]]:
        prepare(Recording(task=task))
        images: dict[str, list[np.ndarray]] = {name: [] for name in cameras}
        found, seed = 0, self.seed
        with tqdm(total=self.episodes, unit="episode") as progress:
            while found < self.episodes:
                episode = demonstrate(seed)
                seed += 1
                if episode is None:
                    continue
                found += 1
                progress.update()
                for name in cameras:
                    images[name] += list(episode.images[name][::_SHARE])
        return images
