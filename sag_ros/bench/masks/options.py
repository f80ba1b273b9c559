"""Options of ``sag bench masks``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sag_ros.seeds import require_development


@dataclass(frozen=True)
class Options:
    """Watch a mask source at work, closed loop and without ROS, and fix each of its masks in turn.

    The masks come from calibration episodes, whose seeds lie before --seed; every mask then plays the same
    episodes as the adaptive source. Interrupt it at will: the next call with the same options continues.
    """

    bundle: str = "models/pick_release"
    """folder of the policy bundle, or its name in models/"""
    task: str = "pick_release"
    """task of the simulated robot"""
    mask_source: str = "sag"
    """what is studied; a sampler other than ddpm in front, joined by +"""
    episodes: int = 30
    """evaluation episodes for each mask"""
    calibration_episodes: int = 5
    """episodes whose masks are fixed in turn"""
    fixed_masks: int = 8
    """how many of them at most, the most frequent ones"""
    dense: bool = True
    """run the dense policy on the same episodes, too"""
    seed: int = 300_000
    """seed of the first evaluation episode"""
    engine: str = "auto"
    """auto, native, openvino or reference"""
    precision: str = "auto"
    """of the engine, where it has a choice"""
    processes: int = 1
    """episodes at the same time"""
    json: Path = Path("out/masks.json")
    """result; the picture and the single episodes lie beside it"""

    def __post_init__(self) -> None:
        for name in ("episodes", "calibration_episodes", "fixed_masks", "processes"):
            if getattr(self, name) < 1:
                option = name.replace("_", "-")
                raise ValueError(f"--{option} must be at least 1; got {getattr(self, name)}")
        require_development(self.seed, self.episodes, "--seed")
        if self.seed < self.calibration_episodes:
            raise ValueError(
                f"--seed must be at least {self.calibration_episodes}, the number of calibration episodes, "
                f"whose seeds lie before it; got {self.seed}"
            )

    @property
    def seeds(self) -> range:
        """Of the evaluation episodes."""
        return range(self.seed, self.seed + self.episodes)

    @property
    def calibration_seeds(self) -> range:
        """Of the calibration episodes."""
        return range(self.seed - 1, self.seed - 1 - self.calibration_episodes, -1)
