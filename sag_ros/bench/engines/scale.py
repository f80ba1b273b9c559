"""``sag bench scale``: what larger policies and more cameras take on this machine."""

from __future__ import annotations

import json as json_format
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sag_ros.bench.prepare.rate import BESIDE_MS
from sag_ros.bench.run.statistics import percentile

PRUNER = {"width": 128, "layers": 1, "heads": 4, "feedforward": 256}


def _cameras(count: int, pixels: int) -> dict[str, Any]:
    return {f"camera{number}": {"height": pixels, "width": pixels} for number in range(count)}


def _resnets(count: int, pixels: int, crop: int) -> dict[str, Any]:
    """Cameras as the public Diffusion Policy has them."""
    colours = {"mean": [0.5] * 3, "std": [0.5] * 3}
    resnet = {"norm": "group", "crop": [crop, crop], **colours}
    encoder = {"width": 64, "keypoints": 32, "features": 64, "resnet18": resnet}
    return {"cameras": _cameras(count, pixels), "encoder": encoder}


SIZES: Mapping[str, Mapping[str, Any]] = {
    "as shipped": {},
    "d = 512": {"network": {"width": 512, "heads": 8}},
    "d = 768": {"network": {"width": 768, "heads": 12}},
    "12 layers": {"network": {"layers": 12}},
    "all of T = 16 executed": {"action_steps": 15},
    "3 cameras": {"cameras": _cameras(3, 84)},
    "4 cameras": {"cameras": _cameras(4, 84)},
    "2 cameras of 160 px": {"cameras": _cameras(2, 160)},
    "2 cameras of 224 px": {"cameras": _cameras(2, 224)},
    "2 ResNet18 on 84 px, crop 76": _resnets(2, 84, 76),
    "2 ResNet18 on 224 px": _resnets(2, 224, 224),
    "d = 768, 12 layers, 4 cameras of 224 px": {
        "network": {"width": 768, "heads": 12, "layers": 12},
        "cameras": _cameras(4, 224),
    },
}


@dataclass(frozen=True)
class Scale:
    """What one size takes, p50 in ms on one core.

    Attributes:
        name, engine: of the size, of what computes.
        encode: one frame of every camera. pruner, dense: a mask, a chunk of all blocks.
        sparse: density -> a chunk with so many of the blocks, at random places.
    """

    name: str
    engine: str
    encode: float
    pruner: float
    dense: float
    sparse: dict[str, float]

    def chunks(self, density: str, cores: int) -> float:
        """Chunks a second: on two cores frames are encoded beside the chunk before."""
        rest = self.pruner + self.sparse[density] + BESIDE_MS
        return 1e3 / (self.encode + rest if cores == 1 else max(self.encode, rest))


def measure(
    name: str, changes: Mapping[str, Any], densities: tuple[float, ...], count: int, size: str = "full"
) -> Scale:
    """Time one size with random weights, after some chunks that do not count."""
    import numpy as np
    import torch

    from sag_ros.bench.engines.candidates import Example, plans_of
    from sag_ros.bench.run.machine import one_core
    from sag_ros.engines.registry import build_engine, build_frame_encoder, choose, pruner_executor
    from sag_ros.policy.random_bundle import random_bundle
    from sag_ros.policy.samplers import build_table
    from sag_ros.pruning.pruner import Pruner, pruner_config

    torch.manual_seed(0)
    bundle = random_bundle(0, size, **{"pruner": PRUNER, **changes})  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    example = Example.make(bundle, build_table("ddpm", bundle.contract.diffusion.steps, bundle.contract.clip))
    chosen, _ = choose("auto", bundle)
    engine, encoder = build_engine(chosen, bundle, example.table), build_frame_encoder(chosen, bundle)
    pruner = pruner_executor(chosen, bundle)(Pruner(pruner_config(bundle)).eval())
    pictures = {
        camera: rng.integers(0, 256, (one.height, one.width, 3), dtype=np.uint8)
        for camera, one in bundle.contract.cameras.items()
    }
    (dense,) = plans_of(example, (1.0,)).values()
    plans = dict(zip(map(str, densities), plans_of(example, densities).values(), strict=True))
    plans["dense"] = dense

    def encode() -> None:
        for camera, picture in pictures.items():
            encoder.encode(camera, picture)

    works: dict[str, Callable[[], Any]] = {"encode": encode, "pruner": lambda: pruner.mask(example.obs)}
    works |= {
        key: lambda plan=plan: engine.denoise(example.obs, plan, example.noise)
        for key, (plan,) in plans.items()
    }
    with one_core():
        times = {
            key: _time(work, max(3, count // 5) if key == "dense" else count) for key, work in works.items()
        }
    sparse = {str(density): times[str(density)] for density in densities}
    precision = getattr(engine, "precision", "")
    label = f"{engine.name}-{precision}" if precision else engine.name
    return Scale(name, label, times["encode"], times["pruner"], times["dense"], sparse)


def _time(work: Callable[[], Any], count: int) -> float:
    """ms, p50 of ``count`` times."""
    taken = []
    for number in range(count + max(1, count // 4)):
        start = time.perf_counter()
        work()
        if number >= max(1, count // 4):
            taken.append(1e3 * (time.perf_counter() - start))
    return percentile(taken, 50)


@dataclass(frozen=True)
class ScaleBench:
    """Time policies of several sizes, with random weights, on one core: cameras, pruner, chunk, rate."""

    densities: tuple[float, ...] = (0.03, 0.1)
    """shares of the blocks that are computed, at random places; the shipped pruner computes 0.03"""
    only: tuple[str, ...] = ()
    """names of sizes; all by default"""
    count: int = 40
    """repetitions of each; of dense chunks a fifth"""
    json: Path = Path("out/scale.json")
    """result"""

    def run(self) -> int:
        """Returns: 0.

        Raises:
            ValueError: an unknown size, or a number out of range.
        """
        from rich.box import SIMPLE_HEAD
        from rich.console import Console
        from rich.table import Table

        from sag_ros.bench.run.machine import describe

        unknown = [name for name in self.only if name not in SIZES]
        if unknown:
            raise ValueError(f"size {unknown[0]!r} does not exist; available: {', '.join(SIZES)}")
        if self.count < 1 or not self.densities or not all(0.0 < x <= 1.0 for x in self.densities):
            raise ValueError("--count is at least 1, and densities lie in (0, 1]")
        console = Console()
        title = "ms on one core, and chunks a second on one core, on two"
        table = Table(title=title, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        table.add_column("size", min_width=16)
        heads = [part for x in self.densities for part in (f"{x:g}", "chunks/s")]
        for column in ("cameras", "pruner", "dense", *heads):
            table.add_column(column, justify="right", no_wrap=True)
        found = []
        for name in self.only or SIZES:
            found.append(one := measure(name, SIZES[name], self.densities, self.count))
            numbers = [f"{one.encode:.1f}", f"{one.pruner:.2f}", f"{one.dense:.0f}"]
            for x, took in one.sparse.items():
                numbers += [f"{took:.1f}", f"{one.chunks(x, 1):.0f}, {one.chunks(x, 2):.0f}"]
            table.add_row(name, *numbers)
            console.print(f"{name}: done, engine {one.engine}", highlight=False)
        console.print(table)
        result = {"sizes": [asdict(one) for one in found], "beside_ms": BESIDE_MS, "machine": describe()}
        self.json.parent.mkdir(parents=True, exist_ok=True)
        self.json.write_text(json_format.dumps(result, indent=1) + "\n")
        console.print(f"written to {self.json}")
        return 0
