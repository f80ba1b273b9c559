"""``sag compile``: what an engine would otherwise compile later, before a policy node needs it."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from sag_ros.bench.prepare.check_bundle import TOLERANCE, error_of, sampler_of, verdict

if TYPE_CHECKING:
    from sag_ros.engines.protocol import Engine
    from sag_ros.policy.bundle import PolicyBundle
    from sag_ros.policy.schedule import CoefficientTable

CHECKED = ("dense", "random9")
"""Mask sources that a compiled engine is compared with the reference on."""


def compile_at_first_use(
    name: str, bundle: PolicyBundle, table: CoefficientTable, precision: str, all_tokens: bool
) -> Engine:
    """Build engine ``name``, which compiles when it is built and keeps the code on disk.

    Raises:
        ValueError: the engine cannot run here; the message says why.
    """
    from sag_ros.engines.registry import build_engine, obstacle, whole_horizon_options

    reason = obstacle(name, bundle, precision, all_tokens)
    if reason is not None:
        raise ValueError(f"engine {name} cannot be compiled on this machine: {reason}")
    options = whole_horizon_options(name) if all_tokens else {}
    start = time.monotonic()
    engine = build_engine(name, bundle, table, precision=precision, **options)
    print(f"engine {name} is compiled, or was before: {time.monotonic() - start:.0f} s", flush=True)
    return engine


def agrees(engine: Engine, bundle: PolicyBundle) -> bool:
    """Print how far ``engine`` is from the reference; is all of it within what is tolerated?"""
    from sag_ros.engines.runner import PolicyRunner

    precision = getattr(engine, "precision", "f32")
    allowed, good = TOLERANCE[precision], True
    for note in getattr(engine, "notes", ()):
        print(f"note: {note}")
    for mask_source in CHECKED:
        runner = PolicyRunner(bundle, sampler_of(bundle), mask_source, "reference")
        error = error_of(engine, runner, 1)
        print(verdict(mask_source, f"{engine.name}-{precision}", error, allowed))
        good &= error <= allowed
    return good


def main(
    bundle: Annotated[str, tyro.conf.Positional] = "models/pick_release",
    engine: Literal["tensorrt", "cuda_graph", "persistent", "native"] = "tensorrt",
    precision: str = "auto",
    all_tokens: bool = False,
    force: bool = False,
) -> int:
    """Compile an engine for this policy and this machine, and compare it with the reference.

    A policy node never compiles while it is active, and engine tensorrt runs only what was compiled here.

    Args:
        bundle: folder of the bundle, or its name in models/.
        engine: tensorrt; or one that else compiles when it is first used. Others have nothing to compile.
        precision: auto, or one that the engine has: f32, bf16, f16.
        all_tokens: for samplers that keep all tokens of a chunk (falcon, rtc, streaming).
        force: compile anew what is compiled already (tensorrt).
    """
    from sag_ros.engines.tensorrt.runtime import TensorRtError
    from sag_ros.paths import model_folder
    from sag_ros.policy.bundle import load_bundle
    from sag_ros.policy.samplers import build_sampler

    loaded = load_bundle(model_folder(bundle))
    sampler = build_sampler(sampler_of(loaded), loaded.contract)
    table, all_tokens = sampler.table, all_tokens or sampler.whole_horizon
    built: Engine
    if engine == "tensorrt":
        from sag_ros.bench.prepare.compile_tensorrt import compile_tensorrt

        try:
            built = compile_tensorrt(loaded, table, precision, all_tokens, force)
        except TensorRtError as error:
            print(f"sag compile: {error}", file=sys.stderr)
            return 1
    else:
        built = compile_at_first_use(engine, loaded, table, precision, all_tokens)
    return 0 if agrees(built, loaded) else 1
