"""Options of ``sag bench tasks``."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from sag_ros.bench.tasks.choice import parse_budgets
from sag_ros.seeds import EVALUATION, require_development

LEAST = {"episodes": 1, "execute": 1, "delay": 0, "processes": 1, "timed_chunks": 0, "torch_chunks": 0}


@dataclass(frozen=True)
class Options:
    """Is sparse as good as dense? Success, speed and smoothness of methods, closed loop, without ROS.

    The simulation waits for the policy, so success does not depend on the machine. Every method plays the
    same seeds and is compared with dense on them. Times are measured afterwards, apart from the episodes: all
    methods in turns on the same recorded observations. Interrupt it at will: the next call continues, also
    with other methods or more episodes.
    """

    task: str = "pick_release"
    """task of the simulated robot"""
    methods: str = "dense,ddim30,sag"
    """comma-separated; sampler and mask source joined by +, ddpm and dense where not named; NAME@FOLDER takes
    another bundle, as in cm3@out/consistency"""
    episodes: int = 200
    """episodes per method"""
    seed: int = 100_000
    """seed of the first episode; the others follow"""
    final: bool = False
    """the seeds of the final tables instead, which nothing that learns or chooses has seen: for what is
    published, and once"""
    final_from: int = 0
    """of --final: number of the first one, so that a table grows by seeds that it has not yet used"""
    bundle: str = "models/pick_release"
    """folder of the policy bundle, or its name in models/"""
    engine: str = "auto"
    """auto, native, openvino or reference"""
    precision: Literal["auto", "f32", "bf16", "f16", "int16", "int8"] = "auto"
    """of the engine, where it has a choice"""
    noise: Literal["fresh", "fixed"] = "fresh"
    """new noise for each chunk, or the same for all chunks of an episode"""
    execute: int | None = None
    """actions executed of every chunk; by default as many as the policy says of itself"""
    delay: int = 0
    """control periods from an observation until the arm follows the chunk made of it, as on a slow machine"""
    processes: int = 1
    """episodes at the same time; times are measured alone, afterwards"""
    timed_chunks: int = 200
    """chunks that each method is timed with, at least; 0: none"""
    torch_chunks: int = 3
    """chunks that each method is timed with in plain torch, which takes seconds each; 0: none"""
    retime: bool = False
    """measure all times again, side by side; otherwise those of this machine are kept"""
    budgets: str = "2.5,5,10,20"
    """ms of pruner, plan and denoising at which methods are compared"""
    margin: float = 2.0
    """points of success by which a method may fall short of dense, for the verdict"""
    report_only: bool = False
    """write the report again from what is measured, run nothing"""
    json: Path = Path("out/tasks.json")
    """result; page (.html), picture (.png) and measurements (.episodes.jsonl, .times.jsonl) lie beside it"""

    def __post_init__(self) -> None:
        for name, least in LEAST.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"--{name.replace('_', '-')} must be at least {least}; got {value}")
        require_development(self.seed, self.episodes, "--seed without --final")
        if self.final_from and (not self.final or not 0 < self.final_from <= len(EVALUATION) - self.episodes):
            raise ValueError(
                f"--final-from {self.final_from} is the number of a seed of --final, "
                f"0 to {len(EVALUATION) - self.episodes} for {self.episodes} episodes"
            )
        if not 0 <= self.margin <= 100:
            raise ValueError(f"--margin is in points of success, 0 to 100; got {self.margin}")
        parse_budgets(self.budgets)

    @property
    def seeds(self) -> range:
        """Of all episodes."""
        first = EVALUATION.start + self.final_from if self.final else self.seed
        return range(first, first + self.episodes)

    def journal(self, kind: str) -> Path:
        """Where measurements are kept."""
        return self.json.with_suffix(f".{kind}.jsonl")

    def command(self) -> str:
        """The command line that gives this run again; what is a default is left out, except what matters."""
        words = ["sag", "bench", "tasks"]
        for option in fields(self):
            value = getattr(self, option.name)
            if option.name in ("report_only", "retime"):
                continue
            if option.name == "final" or (option.name == "seed" and self.final):
                words += ["--final"] if option.name == "final" and self.final else []
            elif value != option.default or option.name in ("task", "methods", "episodes", "seed"):
                words += [f"--{option.name.replace('_', '-')}", str(value)]
        return shlex.join(words)
