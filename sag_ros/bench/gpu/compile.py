"""Compiles engine ``tensorrt`` for the policies that ``sag gpu-check`` works with."""

from __future__ import annotations

import time
from collections.abc import Iterator

from sag_ros.bench.gpu.policies import Policy, random_policy, shipped_policy
from sag_ros.bench.gpu.sections import Context
from sag_ros.bench.prepare.compile_tensorrt import Libraries, compile_tensorrt, import_libraries
from sag_ros.engines.tensorrt.compile import missing

ENGINE = "tensorrt"


def compile_ahead(context: Context, engines: tuple[str, ...], libraries: Libraries | None = None) -> None:
    """In the first precision; what was compiled before is kept. Reports how long each policy took.

    Args:
        engines: as they were asked for; those of ``ENGINE``.
        libraries: None for those that are installed.
    """
    options = context.options
    lacking = () if libraries else missing()
    if lacking:
        for text in engines:
            context.absent(text, "; ".join(lacking))
        return
    with context.fence(f"{ENGINE}, loading"):
        libraries = libraries or import_libraries()
    if libraries is None:
        return
    seconds: dict[str, float] = {}
    for name, policy in _policies(context):
        with context.fence(f"{ENGINE} {options.precisions[0]}, compiling for {name}"):
            start = time.perf_counter()
            compile_tensorrt(
                policy.bundle,
                policy.table,
                options.precisions[0],
                device=options.device,
                libraries=libraries,
            )
            seconds[f"compiling for {name}, s"] = round(time.perf_counter() - start, 1)
            context.emit("machine", {"compile_s": dict(seconds)})


def _policies(context: Context) -> Iterator[tuple[str, Policy]]:
    options = context.options
    yield "random weights", random_policy(options.small)
    if options.bundle:
        with context.fence("shipped policy"):
            yield options.bundle, shipped_policy(options.bundle, options.small)
