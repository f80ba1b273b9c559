"""The GPU, its software and what it reaches in a few milliseconds of copying and multiplying."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from typing import Any

import torch

from sag_ros.bench.gpu.sections import Context
from sag_ros.engines.gpu.device import choose_device
from sag_ros.engines.gpu.graphs import make_graphs

REPETITIONS = 10
QUERY = ("driver_version", "clocks.max.sm", "clocks.sm", "clocks.mem", "power.limit", "temperature.gpu")


def look(context: Context) -> None:
    """Report facts and ceilings under ``gpu`` and ``ceilings``."""
    device = choose_device(context.options.device)
    context.emit("machine", {"software": software()})
    if device.type == "cuda":
        with context.fence("properties"):
            context.emit("machine", {"gpu": properties(device)})
    with context.fence("ceilings"):
        context.emit("machine", {"ceilings": ceilings(device)})


def software() -> dict[str, Any]:
    """Versions, and how float32 products are done."""
    from importlib.metadata import PackageNotFoundError, version

    found: dict[str, Any] = {"torch": torch.__version__, "cuda": torch.version.cuda}
    for package in ("triton", "tensorrt", "torch-tensorrt"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    if torch.backends.cudnn.is_available():
        found["cudnn"] = torch.backends.cudnn.version()
    found["float32_matmul_precision"] = torch.get_float32_matmul_precision()
    return found


def properties(device: torch.device) -> dict[str, Any]:
    """Of one GPU."""
    own = torch.cuda.get_device_properties(device)
    found = {
        "name": own.name,
        "capability": f"{own.major}.{own.minor}",
        "multiprocessors": own.multi_processor_count,
        "memory_gib": round(own.total_memory / 2**30, 1),
        "l2_mib": round(getattr(own, "L2_cache_size", 0) / 2**20, 1),
        "shared_memory_kib": getattr(own, "shared_memory_per_block_optin", 0) / 2**10,
    }
    try:
        query = [
            "nvidia-smi",
            f"--query-gpu={','.join(QUERY)}",
            "--format=csv,noheader",
            "-i",
            str(device.index),
        ]
        answer = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return found
    return found | dict(zip(QUERY, (text.strip() for text in answer.split(",")), strict=False))


def ceilings(device: torch.device) -> dict[str, float]:
    """GB/s (read and written) of a copy within the device, TFLOP/s of a bf16 product, and, in microseconds,
    a recorded tiny kernel asked for and waited for, and one of many that follow each other."""
    gpu, graphs = device.type == "cuda", make_graphs(device)
    size, count = (8192, 2**30) if gpu else (256, 2**20)  # rows, bytes
    source = torch.zeros(count, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    a, b = (torch.randn(size, size, device=device).bfloat16() for _ in range(2))
    out = torch.empty_like(a)
    number = torch.zeros(1, device=device)
    if gpu:
        torch.cuda.synchronize(device)  # what follows is on another stream

    def add() -> None:
        number.add_(1.0)

    def adds() -> None:
        for _ in range(100):
            add()

    with torch.inference_mode():
        copied = _seconds(lambda: target.copy_(source), graphs)
        multiplied = _seconds(lambda: torch.matmul(a, b, out=out), graphs)
        one, many = graphs.capture(add, _nothing), graphs.capture(adds, _nothing)
        waited, hundred = _seconds(one, graphs, each=True), _seconds(many, graphs, each=True)
        eager = _seconds(adds, graphs)
    return {
        "copy_gb_per_s": round(2 * count / copied / 1e9, 1),
        "bf16_tflop_per_s": round(2 * size**3 / multiplied / 1e12, 2),
        "replay_us": round(1e6 * waited, 2),
        "kernel_in_graph_us": round(1e6 * (hundred - waited) / 99, 3),
        "kernel_eager_us": round(1e6 * eager / 100, 3),
    }


def _seconds(work: Callable[[], object], graphs: Any, each: bool = False) -> float:
    """Per repetition, waited for once at the end, or after ``each`` one."""
    with graphs.running():
        for _ in range(3):
            work()
        graphs.synchronise()
        start = time.perf_counter()
        for _ in range(REPETITIONS):
            work()
            if each:
                graphs.synchronise()
        graphs.synchronise()
    return (time.perf_counter() - start) / REPETITIONS


def _nothing() -> None:
    pass
