"""Compiles the kernel of engine persistent for a GPU that need not be there, and prints what came out.

python compile_persistent.py '{"capability": 90, "shared": 232448, "parts": 4}'; more keys: precision, tile,
stages, warps, and folder, where PTX, TTGIR and the binary are written.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from sag_ros.engines.gpu.triton.sizes import choose_sizes
from sag_ros.engines.persistent.kernel import CHANGING, chunk
from sag_ros.policy.random_bundle import random_bundle
from sag_ros.policy.samplers import build_table

FLOAT = {"f32": "*fp32", "bf16": "*bf16", "f16": "*fp16"}


def main(wanted):
    contract = random_bundle(0, "full").contract
    precision = wanted.get("precision", "bf16")
    sizes = choose_sizes(
        contract, build_table("ddpm", 100), precision, wanted["shared"], wanted["parts"],
        wanted.get("tile"), wanted.get("stages"),
    )  # fmt: skip
    kinds = dict.fromkeys(chunk.arg_names, "*fp32")
    kinds.update(
        dict.fromkeys(("weights", "times", "frames"), FLOAT[precision]), program="*i32", counter="*i32"
    )
    kinds.update(dict.fromkeys(CHANGING, "i32"), **dict.fromkeys(sizes._asdict(), "constexpr"))
    aligned = {
        (index,): [["tt.divisibility", 16]]
        for index, name in enumerate(chunk.arg_names)
        if kinds[name].startswith("*")
    }
    options = {"num_warps": wanted.get("warps", 8), "launch_cooperative_grid": wanted["parts"] > 1}
    kernel = triton.compile(
        ASTSource(chunk, kinds, sizes._asdict(), aligned),
        target=GPUTarget("cuda", wanted["capability"], 32),
        options=options,
    )
    folder = Path(wanted["folder"])
    for kind in ("ttgir", "ptx", "cubin"):
        content = kernel.asm[kind]
        (folder / f"chunk.{kind}").write_bytes(content if kind == "cubin" else content.encode())
    tool = Path(triton.__file__).parent / "backends/nvidia/bin/cuobjdump"

    def dump(option):
        return subprocess.run(
            [tool, option, folder / "chunk.cubin"], capture_output=True, text=True, check=True
        ).stdout

    used, code = dump("--dump-resource-usage"), dump("-sass")
    counts = {
        name: len(re.findall(rf"\b{name}\b", code)) for name in ("HMMA", "LDGSTS", "LDSM", "LDL", "STL")
    }
    registers, stack = (int(re.search(rf"{name}:(\d+)", used)[1]) for name in ("REG", "STACK"))
    result = {"triton": triton.__version__, "shared": kernel.metadata.shared, "registers": registers}
    print(json.dumps({**result, "stack": stack, **counts, "tile": sizes.TILE}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
