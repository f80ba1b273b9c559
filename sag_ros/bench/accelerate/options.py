"""Options of ``sag accelerate``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from sag_ros.seeds import require_development

BUDGETS = "10 minutes, 60 for an hour, 480 for a night"
_LONG = 30.0  # minutes from which on four densities are searched and a pruner is taught
_LEAST = 4.0  # minutes


@dataclass(frozen=True)
class AccelerationOptions:
    """What is asked; see the fields."""

    bundle: Annotated[str, tyro.conf.Positional]
    """folder of the policy, or its name in models/; schedules are added to it"""
    data: Path
    """demonstrations that it was trained on, or others of the same task: a zarr folder"""
    task: str | None = None
    """task of the simulated robot, to judge by success; without one actions alone are compared"""
    budget: float = 60.0
    """minutes for everything: 10, 60 for an hour, 480 for a night"""
    densities: tuple[float, ...] = ()
    """shares of the blocks to compute, a search for each; default 0.1 and 0.03, from half an hour on 0.1,
    0.05, 0.03 and 0.02"""
    out: Path | None = None
    """page, measurements and state; default out/accelerate/<name of the bundle>"""
    engine: str = "auto"
    """that executes candidates"""
    processes: int = 2
    """searches and episodes at the same time"""
    margin: float = 2.0
    """points of success by which one may fall short of dense"""
    choosing_seed: int = 350_000
    """first episode of those that the choice sees"""
    stating_seed: int = 360_000
    """first episode of those that only the final table sees"""

    def __post_init__(self) -> None:
        if self.budget < _LEAST:
            raise ValueError(
                f"--budget {self.budget:g}: at least {_LEAST:g} minutes are needed; take {BUDGETS}"
            )
        for density in self.densities:
            if not 0.005 <= density <= 0.5:
                raise ValueError(f"--densities {density:g}: a share of the blocks, 0.005 to 0.5")
        if len({round(100 * density) for density in self.densities}) != len(self.densities):
            raise ValueError(f"--densities {self.densities}: two of them are the same percentage")
        if self.processes < 1:
            raise ValueError(f"--processes must be at least 1; got {self.processes}")
        require_development(self.choosing_seed, 10_000, "--choosing-seed")
        if abs(self.choosing_seed - self.stating_seed) < 10_000:
            raise ValueError("--choosing-seed and --stating-seed: 10000 apart, so that no episode is in both")

    def arguments(self) -> dict[str, Any]:
        """What results depend on, JSON-ready."""
        own = asdict(self)
        for name in ("out", "budget", "processes", "bundle"):
            del own[name]
        return {**own, "data": self.data.name, "densities": list(self.wanted)}

    @property
    def wanted(self) -> tuple[float, ...]:
        """Densities that are searched, the largest first."""
        default = (0.1, 0.05, 0.03, 0.02) if self.long else (0.1, 0.03)
        return tuple(sorted(self.densities or default, reverse=True))

    @property
    def long(self) -> bool:
        """Whether there is time for more than the most urgent."""
        return self.budget >= _LONG
