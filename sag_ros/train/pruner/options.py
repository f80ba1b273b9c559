"""Options of ``sag train pruner``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sag_ros.policy.contract import PrunerSpec
from sag_ros.train.pruner.distil import DistilConfig
from sag_ros.train.run.loop import LoopConfig
from sag_ros.train.schedules.search import SearchConfig

PREDICTED = (
    "sag",
    "sag_block",
    "sag_budget",
    "sag_choice",
    "sag_need",
)  # mask sources whose masks a pruner predicts


@dataclass(frozen=True)
class PrunerOptions:
    """What ``sag train pruner`` is asked; see the fields."""

    data: Path
    """demonstrations, a zarr folder"""
    bundle: Path
    """folder of the trained policy; the pruner is added to it"""
    out: Path = Path("out/train/pruner")
    """checkpoints and logs; the features beside it serve other pruners, too"""
    name: str = "sag"
    """sag: the bundle's own pruner; else a schedule beside it: sag9 (for 9 %), sag_block, sag_budget. One for
    another sampler than ddpm always lies beside it, and is used as <sampler>+<name>"""
    sampler: str = "ddpm"
    """ddpm, or ddimN: the schedule is for its N steps"""
    reuse: Literal["type", "block"] = "type"
    """what a pruned block reads: the last residual of its type (the paper), or its own last one (ablation)"""
    budget: Literal["global", "block"] = "global"
    """one budget for the whole mask (the paper), or the same for each block (ablation)"""
    choose: bool = False
    """the pruner chooses one of the searched schedules instead of deciding gate by gate (not the published
    method); without the third stage"""
    among: tuple[str, ...] = ()
    """static schedules of the bundle for this sampler, from sparse to dense, of which the pruner chooses one:
    the denser ones for observations whose chunks need them, so that --density is computed on average. No
    search and no third stage then"""
    need_windows: int = 1500
    """of --among: observations that are looked at"""
    need_draws: int = 2
    """of --among: draws of the noise for each of them"""
    engine: str = "auto"
    """that judges masks in the search and validation"""
    density: float = 0.035
    """share of the blocks to compute: 1 - rho"""
    sparsity_weight: float = 5.0
    """lambda of |mean(pruned) - rho|"""
    sparsity_width: float = 0.01
    """below this distance from rho that term is a parabola: its gradient then settles at what the last block
    is worth instead of switching between -lambda and lambda, a hundred times what a block contributes"""
    explore: float = 0.1
    """share of the skipped blocks that are evaluated for their gradient"""
    through_cache: bool = True
    """let gradients pass through what is cached; test-time sparsity's public code does not"""
    prior: Path | None = None
    """a mask to start from, .npy (n, 3L) bool, True = pruned; default: the best of schedules.prior.starts"""
    search: SearchConfig = field(default_factory=SearchConfig)
    distil: DistilConfig = field(default_factory=DistilConfig)
    prior_logit: float = 0.3
    """how firmly the start is believed near the blocks it computes"""
    far_logit: float = 1.5
    """and elsewhere, see ``schedules.prior.firmness``"""
    bias_scale: float = 10.0
    """learning rate of the observation-independent logits, relative"""
    adam_epsilon: float = 1e-3
    """gradients below it move a weight in proportion: a gate that hardly matters must not flip as soon as one
    that does"""
    feature_noise: float = 0.05
    """on the camera features, in their standard deviations"""
    bf16: bool = False
    """bfloat16 autocast; slower for small batches, whose time goes into casting the frozen weights"""
    episodes: int | None = None
    """use only the first so many"""
    hold_out: float = 0.05
    """share of the episodes kept for validation"""
    seed: int = 0
    threads: int = 2
    minutes: float | None = None
    """stop after this time, with a checkpoint"""
    validation_windows: int = 64
    """of held-out episodes; the weights that do best on them are kept"""
    size: PrunerSpec = field(
        default_factory=lambda: PrunerSpec(width=128, layers=1, heads=4, feedforward=256)
    )
    loop: LoopConfig = field(default_factory=lambda: LoopConfig(120, 16, 1e-5, 20))

    def __post_init__(self) -> None:
        base = self.name.rstrip("0123456789")
        if base not in PREDICTED:
            raise ValueError(
                f"--name {self.name}: a pruner is named {', '.join(PREDICTED)}, or with a number sag9"
            )
        if self.among and (len(self.among) < 2 or self.loop.iterations or self.choose):
            raise ValueError(
                "--among needs two schedules or more, no third stage and no --choose: "
                f"{len(self.among)} named, --loop.iterations {self.loop.iterations} (must be 0)"
            )
