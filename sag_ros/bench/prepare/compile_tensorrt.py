"""Compiles a policy for TensorRT part by part, shows how far it is, and keeps the engines."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from sag_ros.bench.run import progress
from sag_ros.engines.gpu.device import choose_device, choose_precision
from sag_ros.engines.protocol import tokens_of
from sag_ros.engines.tensorrt.build import build, import_torch_tensorrt
from sag_ros.engines.tensorrt.compile import compile_parts, missing
from sag_ros.engines.tensorrt.engine import TensorRtEngine
from sag_ros.engines.tensorrt.export import signatures
from sag_ros.engines.tensorrt.key import engine_key
from sag_ros.engines.tensorrt.runtime import import_tensorrt
from sag_ros.engines.tensorrt.store import Key, NotCompiled, load, save
from sag_ros.policy.schedule import CoefficientTable

if TYPE_CHECKING:
    from sag_ros.policy.bundle import PolicyBundle


class Libraries(NamedTuple):
    """The module tensorrt, and what compiles a part (see ``engines.tensorrt.build.build``)."""

    tensorrt: Any
    compile_part: Callable[..., bytes]


class Compiled(NamedTuple):
    """One part and its engine."""

    name: str
    engine: bytes

    @property
    def method(self) -> str:
        """Its kind: parts of one kind take about the same time."""
        return self.name.rpartition(".")[2]


def import_libraries() -> Libraries:
    """What compiling needs.

    Raises:
        ValueError: something is missing on this machine; the message says what and how to install it.
    """
    lacking = missing()
    if lacking:
        raise ValueError(f"nothing can be compiled for TensorRT on this machine: {'; '.join(lacking)}")
    try:
        import_torch_tensorrt()  # before tensorrt, of which it puts a stand-in into place
        return Libraries(import_tensorrt(), build)
    except ImportError as error:
        raise ValueError(f"TensorRT is installed but does not load: {error}") from error


def compile_tensorrt(
    bundle: PolicyBundle,
    table: CoefficientTable,
    precision: str = "auto",
    all_tokens: bool = False,
    force: bool = False,
    device: str = "auto",
    libraries: Libraries | None = None,
) -> TensorRtEngine:
    """Compile what is not compiled yet, keep it, and load it.

    Args:
        force: compile also what is compiled already.
        libraries: None for those that are installed.

    Raises:
        ValueError: something is missing on this machine, or a policy that the engine cannot run.
        TensorRtError: a part cannot be compiled or loaded.
        OSError: engines cannot be kept.
    """
    libraries = libraries or import_libraries()
    chosen = choose_device(device)
    precision = choose_precision(precision, chosen)
    tokens = tokens_of(bundle.contract, all_tokens)
    key = engine_key(bundle, tokens, precision, chosen, libraries.tensorrt)
    names = list(signatures(bundle.dpt.config, tokens))
    reason = _reason_to_compile(key, names, force)
    what = f"{len(names)} engines for {key.gpu}, {precision}, TensorRT {key.tensorrt}"
    if reason is None:
        print(f"compiled already: {what}; --force compiles them anew", flush=True)
    else:
        print(f"compiling {what}: {reason}", flush=True)
        start = time.monotonic()
        results = (Compiled(*part) for part in compile_parts(bundle, key, chosen, libraries.compile_part))
        remaining = progress.Remaining([Compiled(name, b"").method for name in names])
        shown = progress.track(results, "compiling", remaining, lambda part: part.name)
        done = {part.name: part.engine for part in shown}
        folder = save(key, done)
        megabytes = sum(map(len, done.values())) / 1e6
        print(f"{megabytes:.1f} MB in {folder}, {time.monotonic() - start:.0f} s", flush=True)
    return TensorRtEngine(bundle, table, precision, device, all_tokens, libraries.tensorrt)


def _reason_to_compile(key: Key, names: list[str], force: bool) -> str | None:
    """None when nothing is to be done."""
    if force:
        return "asked for anew"
    try:
        load(key, names)
    except NotCompiled as reason:
        return str(reason)
    return None
