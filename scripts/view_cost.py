"""What the operator's page costs, and how soon its Pause holds the arm.

python scripts/view_cost.py [--rounds 2] [--pages 0 1 10] [--episodes 3] [--json-path out/view_cost.json]

Demos in turns with no, one and ten pages. A page is a websocket that takes all that a browser would; nothing
is drawn, since a browser belongs on another computer. The CPU time is that of view_node, from the first
decision to the end of the demo.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import tyro

URL = "http://127.0.0.1:8088/ws"
REST = 2e-3  # rad between two messages of the page, a tenth of a second apart


@dataclass
class Page:
    """One that looks; ``values`` is what it was told so far."""

    socket: aiohttp.ClientWebSocketResponse
    bytes: int = 0

    def __post_init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.measured: list[tuple[float, np.ndarray]] = []  # when told, s; rad

    async def hear(self) -> None:
        """Take messages until it is closed."""
        async for message in self.socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                head = int.from_bytes(message.data[:4], "big")
                self.values |= json.loads(message.data[4 : 4 + head])
                self.bytes += len(message.data)
                joints = self.values.get("joints") or {}
                if "q" in joints:
                    self.measured.append((time.monotonic(), np.array(joints["q"])))

    @property
    def word(self) -> str:
        """The large one."""
        return str(self.values.get("slow", {}).get("state", {}).get("word", ""))


def viewer() -> int:
    """Process of the page's node."""
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and b"view_node" in (entry / "cmdline").read_bytes():
                return int(entry.name)
    raise RuntimeError("no view_node runs")


def used(process: int) -> float:
    """CPU time of a process, s."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def watched(pages: int, demo: subprocess.Popen[bytes], pause: bool) -> dict[str, Any]:
    """Look with so many pages until ``demo`` ends; with ``pause``, press it now and then."""
    async with aiohttp.ClientSession() as session:
        node, first, open_pages, tasks, pauses = 0, None, [], [], []
        begun = time.monotonic()
        while demo.poll() is None:
            await asyncio.sleep(0.1)
            if not node:
                with contextlib.suppress(RuntimeError, aiohttp.ClientError, OSError):
                    found = viewer()
                    for _ in range(pages):
                        open_pages.append(Page(await session.ws_connect(URL)))
                        tasks.append(asyncio.ensure_future(open_pages[-1].hear()))
                    node = found
                continue
            running = not pages or any(page.word == "RUNNING" for page in open_pages)
            if first is None and running and (pages or time.monotonic() - begun > 20.0):
                first = time.monotonic(), used(node)
            with contextlib.suppress(OSError):
                last = time.monotonic(), used(node)
            if pause and first and open_pages[0].word == "RUNNING" and time.monotonic() - first[0] > 2.0:
                with contextlib.suppress(ConnectionError, OSError):  # the demo has ended
                    took = await paused(open_pages[0])
                    pauses += [] if took is None else [took]
                    first = time.monotonic(), used(node)
        for task in tasks:
            task.cancel()
    assert first is not None
    span = last[0] - first[0]
    return {
        "cpu_share": (last[1] - first[1]) / span,
        "seconds": span,
        "kB_per_s": [page.bytes / 1e3 / span for page in open_pages[:1]],
        "rest_after_pause_s": pauses,
    }


async def paused(page: Page) -> float | None:
    """Press Pause, wait for rest, press Resume.

    Returns:
        s from the press to the last motion that was told; None where the episode ended meanwhile.
    """
    pressed = time.monotonic()
    await page.socket.send_str(json.dumps({"press": "pause", "id": 1}))
    await asyncio.sleep(1.5)
    if page.word != "PAUSED":
        return None
    told = [(when, q) for when, q in page.measured if when > pressed - 0.2]
    moved = [after[0] for before, after in pairwise(told) if np.abs(after[1] - before[1]).max() > REST]
    await page.socket.send_str(json.dumps({"press": "resume", "id": 2}))
    await asyncio.sleep(1.5)
    if len(told) < 10:
        raise RuntimeError(f"the page was told where the arm is only {len(told)} times around a pause")
    return max(max(moved, default=pressed) - pressed, 0.0)


def main(
    rounds: int = 2,
    pages: tuple[int, ...] = (0, 1, 10),
    episodes: int = 3,
    pause: bool = False,
    json_path: Path = Path("out/view_cost.json"),
) -> int:
    """Play them in turns.

    Args:
        rounds: how often each.
        pages: how many are open.
        episodes: of each demo.
        pause: press Pause and Resume all the time; then rates say nothing.
        json_path: result.
    """
    found = []
    for number in range(rounds):
        for count in pages:
            out = Path(tempfile.mkdtemp())
            arguments = [
                "--view",
                "--viewer",
                "off",
                "--no-video",
                "--episodes",
                str(episodes),
                "--out",
                str(out),
            ]
            with open(out / "printed", "wb") as printed:
                demo = subprocess.Popen(
                    [sys.executable, "-m", "sag_ros.ros.demo.command", *arguments],
                    stdout=printed,
                    stderr=printed,
                )
                row = asyncio.run(watched(count, demo, pause and count > 0))
            summary = json.loads((out / "summary.json").read_text())
            row |= {"round": number, "pages": count}
            kept = ("chunk_rate_hz", "latency_ms", "successes", "episodes", "limit_violations", "hardware")
            row |= {name: summary[name] for name in kept}
            print(json.dumps(row), flush=True)
            found.append(row)
    json_path.parent.mkdir(parents=True, exist_ok=True)
    json_path.write_text(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(tyro.cli(main))
